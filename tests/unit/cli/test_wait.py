from collections.abc import Callable, Iterator
from io import StringIO

import pytest

from okube.cli.exits import INTERRUPTED, REFUSED, Ended, WaitedInVain
from okube.cli.progress import Progress
from okube.cli.wait import Waiter
from okube.client.api import OkubeClient
from okube.client.retry import Caller
from tests.unit.cli.cluster import Cluster, a_node, a_service, a_task
from tests.unit.client.playing import Certificates, Manager, no_leader


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def waiter(manager: Manager, certificates: Certificates, said: StringIO) -> Iterator[Callable[[float], Waiter]]:
    hours = Hours()
    caller = Caller((manager.address,), certificates.credentials())

    def make(timeout_s: float) -> Waiter:
        progress = Progress(said, live=False)
        client = OkubeClient(caller)
        return Waiter(client, timeout_s, progress=progress, monotonic=lambda: hours.now, sleep=hours.sleep)

    yield make
    caller.close()


def test_it_ends_when_every_task_is_ready(cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO) -> None:
    cluster.add(a_service("web", 2))
    cluster.steps = [
        cluster.set_tasks(a_task("web.1"), a_task("web.2", "pending")),
        cluster.set_tasks(a_task("web.1"), a_task("web.2")),
    ]
    assert [s["name"] for s in waiter(60).until_settled(["web"])] == ["web"]
    assert said.getvalue() == "web: 1 of 2 ready\n"


def test_what_was_ready_for_a_moment_only_is_waited_for(
    cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO
) -> None:
    cluster.add(a_service("loop"))
    falls = a_task("loop.1", ready=False, message="restarting in 0.4 s (exit code 3), 3 restarts", restarts=3)
    cluster.steps = [cluster.set_tasks(a_task("loop.1")), *[cluster.set_tasks(falls)] * 200]
    with pytest.raises(WaitedInVain, match=r"(?s)waited 5 s in vain: loop: 0 of 1 ready; .*restarting in 0\.4 s"):
        waiter(5).until_settled(["loop"])
    assert "loop.1 not ready on w1: restarting in 0.4 s" in said.getvalue()


def test_it_says_what_holds_a_task_up_once(cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO) -> None:
    cluster.add(a_service("web"))
    full = a_task("web.1", "pending", reason="no-fit", message="no node fits: 3 nodes: memory 2.0 GiB asked")
    cluster.steps = [cluster.set_tasks(full)] * 4 + [cluster.set_tasks(a_task("web.1"))]
    waiter(60).until_settled(["web"])
    assert said.getvalue().count("web.1 pending: no node fits: 3 nodes: memory 2.0 GiB asked") == 1


def test_it_waits_in_vain_and_says_for_what(cluster: Cluster, waiter: Callable[[float], Waiter]) -> None:
    cluster.add(a_service("web"), a_task("web.1", "pending", message="no node fits: 3 nodes: no ports free"))
    with pytest.raises(WaitedInVain, match=r"(?s)waited 5 s in vain: web: 0 of 1 ready; .*no ports free"):
        waiter(5).until_settled(["web"])


def test_it_ends_at_once_where_nothing_will_try_again(cluster: Cluster, waiter: Callable[[float], Waiter]) -> None:
    cluster.add(
        a_service("job"),
        a_task("job.1", "failed", reason="exit-code", exit_code=3, restart_policy="never"),
    )
    with pytest.raises(Ended, match=r"job\.1 failed: exit-code: 3") as raised:
        waiter(3600).until_settled(["job"])
    assert raised.value.status == REFUSED
    assert "okube logs job" in raised.value.sentence


def test_what_is_retried_is_waited_for(cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO) -> None:
    cluster.add(a_service("web"))
    failed = a_task("web.1", "failed", reason="image-pull", message="there is no image nginx:9")
    cluster.steps = [cluster.set_tasks(failed), cluster.set_tasks(failed), cluster.set_tasks(a_task("web.1"))]
    waiter(60).until_settled(["web"])
    assert "web.1 failed: image-pull: there is no image nginx:9" in said.getvalue()


def test_several_services_are_waited_for_together(
    cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO
) -> None:
    cluster.add(a_service("a"), a_task("a.1"))
    cluster.add(a_service("b"), a_task("b.1", "pending"))
    cluster.steps = [lambda: None] * 2 + [cluster.set_tasks(a_task("a.1"), a_task("b.1"))]
    waiter(60).until_settled(["a", "b"])
    assert said.getvalue() == "b: 0 of 1 ready\n"


def test_a_service_that_somebody_removes_meanwhile_ends_it(cluster: Cluster, waiter: Callable[[float], Waiter]) -> None:
    with pytest.raises(Ended, match="somebody removed service web"):
        waiter(60).until_settled(["web"])


def test_a_failover_meanwhile_is_waited_through(
    cluster: Cluster, manager: Manager, waiter: Callable[[float], Waiter]
) -> None:
    cluster.add(a_service("web"), a_task("web.1"))
    turned_away = iter([True] * 3)
    manager.behave = lambda r: no_leader() if next(turned_away, False) else cluster(r)
    assert waiter(60).until_settled(["web"])


def test_whoever_interrupts_it_is_told_that_what_was_asked_for_stays(
    cluster: Cluster, waiter: Callable[[float], Waiter]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    cluster.add(a_service("web"))
    one = waiter(60)
    one._sleep = lambda _: interrupt()
    with pytest.raises(Ended, match="what was asked for stays") as raised:
        one.until_settled(["web"])
    assert raised.value.status == INTERRUPTED


def test_it_waits_until_the_tasks_of_a_removed_service_are_gone(
    cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO
) -> None:
    cluster.tasks = [a_task("web.1", desired="stop"), a_task("web.2", desired="stop")]
    cluster.steps = [lambda: None, cluster.set_tasks(a_task("web.1", "completed"))]
    waiter(60).until_gone(["web"])
    assert said.getvalue() == "2 tasks still to stop\n"


def test_it_waits_until_nodes_are_empty(cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO) -> None:
    cluster.nodes["w1"] = a_node("w1", availability="draining")
    cluster.tasks = [a_task("web.1")]

    def emptied() -> None:
        cluster.tasks = []
        cluster.nodes["w1"]["availability"] = "drained"

    cluster.steps = [lambda: None, emptied]
    waiter(60).until_drained(["w1"])
    assert said.getvalue() == "w1: 1 task still there\n"


def test_a_drain_says_what_has_nowhere_to_go(
    cluster: Cluster, waiter: Callable[[float], Waiter], said: StringIO
) -> None:
    cluster.nodes["w1"] = a_node("w1", availability="draining")
    cluster.tasks = [a_task("web.1"), a_task("web.1", "pending", id="next", message="no node fits: 2 nodes: full")]
    with pytest.raises(WaitedInVain, match=r"web\.1 pending: no node fits: 2 nodes: full"):
        waiter(3).until_drained(["w1"])
