"""Who led before commands nobody any more, and what is not committed reaches no worker: real managers and a worker.

Each task writes its service's name into a file as it starts, so every start is counted, by whomever it was ordered.
"""

import asyncio
import os
import random
import secrets
import signal
import ssl
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from okube.manager.agents import HttpAgentCalls
from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.wire import Assignment, AssignmentAnswer
from okube.security import ClusterFiles
from okube.security.contexts import client_context
from tests.lab.raft.site import MANAGERS, Site

_ROUNDS = int(os.environ.get("OKUBE_FENCING_ROUNDS", "1"))  # `make soak` plays twenty
_AT_ONCE = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("fencing"), workers=1)
    try:
        yield made
    finally:
        made.destroy()


@pytest.fixture
def site(made: Site) -> Iterator[Site]:
    """All take part, and nothing runs."""
    made.mesh.heal()
    made.cluster.wait(made.cluster.complete, "all take part")
    yield made
    made.mesh.heal()
    names = [service["name"] for service in made.cluster.json("services")]
    if names:
        made.cluster.ok("rm", *names)


def test_a_worker_that_heard_of_a_new_epoch_obeys_nothing_of_the_leader_before(site: Site) -> None:
    cluster = site.cluster
    _create(site, cluster.leader(), "held")
    cluster.wait(lambda: len(cluster.ready("held")) == 1, "held runs")
    deposed = cluster.leader()
    old = _epoch(site)
    cluster.signal(deposed, signal.SIGSTOP)
    try:
        _wait_for_another(site, deposed)
        cluster.ok("scale", "held=2")  # the worker obeys it, so it has heard of its epoch
    finally:
        cluster.signal(deposed, signal.SIGCONT)
    held = {task["id"] for task in cluster.ready("held")}
    node = cluster.json("nodes")[0]
    answer = _order_nothing(site, deposed, node, old)
    assert not answer.accepted
    assert answer.epoch > old
    cluster.wait(cluster.complete, f"{deposed} follows")
    assert {task["id"] for task in cluster.ready("held")} == held
    cluster.ok("rm", "held")


def test_a_leader_that_was_stopped_and_goes_on_starts_nothing_that_was_removed_meanwhile(site: Site) -> None:
    rng = random.Random(1)
    cluster = site.cluster
    for _ in range(_ROUNDS):
        leader = cluster.leader()
        names = _names()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = [pool.submit(_create, site, leader, name) for name in names]
            time.sleep(rng.uniform(0.0, 0.3))  # the stop falls somewhere into the work: chance is the point here
            cluster.signal(leader, signal.SIGSTOP)
            try:
                _wait_for_another(site, leader)
                committed = {service["name"] for service in cluster.json("services")} & set(names)
                if committed:
                    cluster.ok("rm", *sorted(committed))
                cluster.wait(lambda: not _runs_any(site, names), "nothing of it runs")  # noqa: B023  # awaited here
                starts = _starts(site)
            finally:
                cluster.signal(leader, signal.SIGCONT)
            acknowledged = {name for name, status in _answers(names, asked).items() if status == 201}
        cluster.wait(cluster.complete, f"{leader} follows")
        late = {service["name"] for service in cluster.json("services")} & set(names)
        again = _starts(site) - starts
        assert set(again) <= late, (again, late)  # a request that was repeated may be done after the removal
        assert acknowledged <= committed | late
        if late:
            cluster.ok("rm", *sorted(late))


def test_what_a_cut_off_leader_could_not_commit_is_never_started(site: Site) -> None:
    cluster = site.cluster
    for _ in range(_ROUNDS):
        leader = cluster.leader()
        others = ",".join(name for name in MANAGERS if name != leader)
        site.mesh.shape(leader, others, up=0)  # clients and the worker still reach it, and it them
        names = _names()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = [pool.submit(_create, site, leader, name) for name in names]
            answers = _answers(names, asked)
        assert 201 not in answers.values(), answers
        site.mesh.heal()
        cluster.wait(cluster.complete, f"{leader} follows")
        started = set(_starts(site)) & set(names)
        listed = {service["name"] for service in cluster.json("services")}
        assert started <= listed, started - listed
        refused = {name for name, status in answers.items() if status == 503}
        assert not refused & listed, refused & listed
        if set(names) & listed:
            cluster.ok("rm", *sorted(set(names) & listed))


def _names() -> list[str]:
    return [f"s{secrets.token_hex(5)}" for _ in range(_AT_ONCE)]


def _create(site: Site, manager: str, name: str) -> int:
    """Ask one manager for a service of one task; the status of its answer, 0 without one."""
    script = f"echo {name} >> {site.cluster.folder}/starts; exec sleep 100000"
    spec: dict[str, Any] = {"name": name, "image": "host", "replicas": 1, "command": ["sh", "-c", script]}
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{site.url(manager)}/v1/services", msgspec.json.encode(spec), headers)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the test knows whom it started
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _answers(names: list[str], asked: "list[Future[int]]") -> dict[str, int]:
    return {name: future.result() for name, future in zip(names, asked, strict=True)}


def _runs_any(site: Site, names: list[str]) -> bool:
    return any(task["service"] in names for task in site.cluster.json("ps"))


def _starts(site: Site) -> Counter[str]:
    """How often a task of each service was started so far."""
    path = site.cluster.folder / "starts"
    return Counter(path.read_text().split() if path.exists() else [])


def _wait_for_another(site: Site, leader: str) -> None:
    site.cluster.wait(lambda: site.cluster.json("status")["leader"] not in (None, leader), "another leads")


def _epoch(site: Site) -> Epoch:
    incarnation, term = site.cluster.json("status")["epoch"].split(".")
    return Epoch(int(incarnation), int(term))


def _order_nothing(site: Site, manager: str, node: dict[str, Any], epoch: Epoch) -> AssignmentAnswer:
    """What a leader of that epoch would say with the manager's own certificate: hold nothing at all."""
    files = ClusterFiles(site.cluster.data_dir).process(manager)
    told = Assignment(node["name"], node["id"], epoch, 1 << 40, None, ())

    async def tell() -> AssignmentAnswer:
        cluster_id = site.cluster.json("status")["cluster_id"]
        calls = HttpAgentCalls(cluster_id, client_context(files.tls.root))
        await calls.start()
        try:
            return await calls.assign(Node(name=node["name"], id=node["id"], address=node["address"]), told)
        finally:
            await calls.close()

    return asyncio.run(tell())
