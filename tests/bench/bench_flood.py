"""What one well-behaved client feels of 200 that flood the leader: ``make bench-flood``; the last line is JSON.

Floods from Debian's ``wrk``, a compiled client. The well-behaved one reads every 50 ms and writes every 200 ms, on
a connection that it keeps, under a name of its own. Beside its times: elections, and nodes that were marked down.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from okube.security.tokens import new_token, token_sha256
from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller, answer

__all__ = ["main"]

_AIM_MS = 500.0
_CLIENTS = 200
_READ_EVERY_S = 0.05
_WRITE_EVERY = 4


class _Flood(msgspec.Struct, frozen=True):
    """Who asks what: the name of its figures, a line of the table, where, and headers. ``{leader}`` is its API."""

    name: str
    title: str
    url: str
    headers: tuple[str, ...] = ()


class _Felt(msgspec.Struct, frozen=True):
    """What the well-behaved client saw under one flood."""

    reads_ms: list[float]
    writes_ms: list[float]
    refused: int
    flood_s: float  # requests a second that the flood got answers to, whatever they were


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each flood lasts")
    seconds = parser.parse_args().seconds
    if shutil.which("wrk") is None:
        raise SystemExit("The floods come from wrk: apt-get install --no-install-recommends wrk")
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="okube-flood-")), runtime="process")
    try:
        cluster.up()
        caller = Caller(cluster)
        figures: dict[str, float] = {}
        print(f"{'':44} {'read p50':>9} {'p99':>7} {'write p50':>10} {'p99':>7} {'flood/s':>9}   (ms)")
        for flood in [None, *_floods(cluster, caller)]:
            epoch = cluster.json("status")["epoch"]
            felt = _measure(cluster, caller, flood, seconds if flood else min(seconds, 5.0))
            elections = int(cluster.json("status")["epoch"] != epoch)
            figures |= _figures(flood.name if flood else "quiet", felt, elections)
            _print_row(flood.title if flood else "no flood", felt)
        figures["nodes_down"] = cluster.logs().count("is down")
    finally:
        cluster.destroy()
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _floods(cluster: Cluster, caller: Caller) -> list[_Flood]:
    mine, tasks = f"Authorization: Bearer {caller.token}", "{leader}/v1/tasks"
    agent = cluster.described["workers"][0]["port"]
    return [
        _Flood("reads", "200 connections of one user that read", tasks, (mine,)),
        _Flood("handshakes", "a new connection for each request", tasks, (mine, _CLOSE)),
        _Flood("strangers", "a new connection, and a token of nobody", tasks, (_NOBODY, _CLOSE)),
        _Flood("logins", "tokens of nobody, one after the other", tasks, (_NOBODY,)),
        _Flood("raft", "the managers' port, without a certificate", "{raft}/"),
        _Flood("agent", "an agent's port, without a certificate", f"https://127.0.0.1:{agent}/"),
    ]


_CLOSE = "Connection: close"
_NOBODY = "Authorization: Bearer nobody-has-this-token-nobody-has-this-token"


def _measure(cluster: Cluster, caller: Caller, flood: _Flood | None, seconds: float) -> _Felt:
    leader = cluster.leader()
    token = new_token()
    name = f"well-behaved-{flood.name if flood else 'quiet'}"
    made = caller("m1", "POST", "/v1/users", {"name": name, "role": "operator", "token_sha256": token_sha256(token)})
    assert made.status == 201, made.body
    if flood is None:
        return _behave(caller, leader, token, lambda began: time.monotonic() < began + seconds, lambda: 0.0)
    headers = [word for header in flood.headers for word in ("-H", header)]
    (described,) = (m for m in cluster.described["managers"] if m["name"] == leader)
    url = flood.url.format(leader=caller.url(leader), raft=f"https://127.0.0.1:{described['raft_port']}")
    wrk = subprocess.Popen(
        ["wrk", "-t1", f"-c{_CLIENTS}", f"-d{seconds:g}s", *headers, url],
        stdout=subprocess.PIPE,
        text=True,
    )

    def rate() -> float:
        said, _ = wrk.communicate()
        return float(said.partition("Requests/sec:")[2].split()[0])

    return _behave(caller, leader, token, lambda _: wrk.poll() is None, rate)


def _behave(
    caller: Caller, leader: str, token: str, goes_on: Callable[[float], bool], rate: Callable[[], float]
) -> _Felt:
    """Read and write at a leisurely pace; a request that is not answered well counts as refused."""
    reads: list[float] = []
    writes: list[float] = []
    refused = number = 0
    with caller.connected(leader) as connection:
        began = time.monotonic()
        while goes_on(began):
            number += 1
            is_write = number % _WRITE_EVERY == 0
            body = msgspec.json.encode({"name": "flooded", "image": "host", "replicas": 0, "env": {"N": str(number)}})
            head = ["PUT /v1/services/flooded" if is_write else "GET /v1/services/flooded?stale=false"]
            head[0] += " HTTP/1.1"
            head += ["Host: okube", f"Authorization: Bearer {token}"]
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if is_write else []
            asked = time.monotonic()
            connection.sendall("\r\n".join([*head, "", ""]).encode() + (body if is_write else b""))
            status = answer(connection).status
            (writes if is_write else reads).append(1000 * (time.monotonic() - asked))
            refused += status not in (200, 201, 404)
            time.sleep(_READ_EVERY_S)
    return _Felt(reads, writes, refused, rate())


def _figures(name: str, felt: _Felt, elections: int) -> dict[str, float]:
    return {
        f"{name}_read_p99_ms": _p99(felt.reads_ms),
        f"{name}_write_p99_ms": _p99(felt.writes_ms),
        f"{name}_refused": felt.refused,
        f"{name}_elections": elections,
    }


def _print_row(title: str, felt: _Felt) -> None:
    reads, writes = felt.reads_ms, felt.writes_ms
    numbers = (
        f"{statistics.median(reads):9.1f} {_p99(reads):7.1f} {statistics.median(writes):10.1f} {_p99(writes):7.1f}"
    )
    missed = "  aim missed" if max(_p99(reads), _p99(writes)) > _AIM_MS else ""
    refused = f"  {felt.refused} refused" if felt.refused else ""
    print(f"{title:44} {numbers} {felt.flood_s:9.0f}{missed}{refused}", flush=True)


def _p99(times: list[float]) -> float:
    return sorted(times)[max(0, round(0.99 * len(times)) - 1)]


if __name__ == "__main__":
    main()
