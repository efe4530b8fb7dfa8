"""``python -m tests.bench.bench_extender``: what a call of kube-scheduler costs it, over HTTP, at 1,000 nodes.

The extender runs as a process of its own and follows a stand-in for the Kubernetes API: 1,000 nodes in ten zones, 50
pods of a database, 50 of a gateway that calls the service that is asked about, each with a limit. ``kept`` is asked
again without a change in between; ``fresh`` after one more pod of the service has been bound, and a question about
another pod, as a scheduler at work asks: the filter works out what has changed, and prioritize has it at hand. The last
line is JSON.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import msgspec

from tests.unit.kube.builders import a_node, a_pod
from tests.unit.kube.fake_api import FakeApi, a_fake_api

_NODES, _ZONES, _NEIGHBOURS, _CALLS = 1000, 10, 50, 100
_NAMES = [f"node-{number:05}" for number in range(_NODES)]
_NEAR_DB, _NEAR_WEB = ({"service": name, "max_latency": "1ms"} for name in ("db", "web"))
_OTHER = msgspec.json.encode({"Pod": a_pod("batch"), "Nodes": None, "NodeNames": _NAMES})
_BODY = msgspec.json.encode({"Pod": a_pod("web", _NEAR_DB), "Nodes": None, "NodeNames": _NAMES})


async def _measure() -> dict[str, float]:
    async with a_fake_api() as (api, access):
        for number, name in enumerate(_NAMES):
            await api.put(a_node(name, f"zone-{number % _ZONES}"))
        for number in range(_NEIGHBOURS):
            await api.put(a_pod("db", node=_NAMES[number * 20], name=f"db-{number}"))
            await api.put(a_pod("gateway", _NEAR_WEB, node=_NAMES[number * 20 + 3], name=f"gateway-{number}"))
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "kubeconfig"
            config.write_text(_kubeconfig(access.url))
            command = ("-m", "okube.cli.main", "kube-extender", "--port", "0", "--kubeconfig", str(config))
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, stderr=asyncio.subprocess.PIPE, limit=1 << 20
            )
            assert process.stderr is not None
            try:
                url = await _address(process.stderr)
                async with aiohttp.ClientSession() as session:
                    return await _calls(session, url, api)
            finally:
                process.terminate()
                await process.communicate()


async def _address(log: asyncio.StreamReader) -> str:
    """Where it listens, once it knows pods and nodes."""
    url, listed = "", 0
    async with asyncio.timeout(60):
        while listed < 2:
            line = (await log.readline()).decode()
            if not line:
                raise RuntimeError("the extender ended before it was ready")
            if "answering on" in line:
                url = f"http://{line.split()[-1]}"
            listed += "listed" in line
    return url


async def _calls(session: aiohttp.ClientSession, url: str, api: FakeApi) -> dict[str, float]:
    took: dict[str, list[float]] = {}
    for number in range(_CALLS):
        for kind in ("fresh", "kept"):
            if kind == "fresh":
                await api.put(a_pod("web", _NEAR_DB, node=_NAMES[number * 7 % _NODES], name=f"web-{number}"))
                await asyncio.sleep(0.02)  # the news is on its way
                async with session.post(f"{url}/filter", data=_OTHER) as response:
                    await response.read()  # a scheduler at work has just asked about another pod
            for verb in ("filter", "prioritize"):
                began = time.perf_counter()
                async with session.post(f"{url}/{verb}", data=_BODY) as response:
                    await response.read()
                took.setdefault(f"extender_{verb}_{kind}_ms", []).append((time.perf_counter() - began) * 1000)
    for name, values in took.items():
        print(f"{name:32} median {statistics.median(values):6.2f}   worst {max(values):6.2f}")
    return {name: round(statistics.median(values), 3) for name, values in took.items()}


def _kubeconfig(url: str) -> str:
    return json.dumps(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "here", "user": {}}],
        }
    )


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure())))
