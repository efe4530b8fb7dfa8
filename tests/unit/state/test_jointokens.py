from typing import Any

import pytest

from okube.model import commands as c
from okube.model.jointoken import KEPT_TOKENS
from okube.state import StateMachine
from okube.state.snapshot import dump
from tests.builders import Cluster

HASH = "ab" * 32
HOUR_MS = 3_600_000


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.apply(c.CreateJoinToken("t1", "worker", HASH, HOUR_MS, uses=2, by="ann"))
    return made


def use(cluster: Cluster, name: str, **fields: Any) -> c.Result:
    settings = {"instance": f"i-{name}", "address": "192.0.2.7:7201", **fields}
    return cluster.apply(c.UseJoinToken("t1", name, **settings))[0]


def register(cluster: Cluster, name: str, **fields: Any) -> c.Result:
    settings = {"instance": f"i-{name}", "address": "192.0.2.7:7201", **fields}
    return cluster.apply(
        c.RegisterNode(
            name=name, labels={}, zone="", cores=4, memory=8, disk=9, runtime="docker", software="1", **settings
        )
    )[0]


def used(cluster: Cluster) -> int:
    return cluster.tables.settings.join_tokens[0].used


def refused(result: c.Result, kind: str, words: str) -> bool:
    return isinstance(result, c.Refused) and result.kind == kind and words in result.detail


def test_a_worker_that_joins_is_a_node_that_is_down_until_its_agent_registers(cluster: Cluster) -> None:
    use(cluster, "w7", labels={"disk": "ssd"}, zone="rack-b")
    node = cluster.tables.nodes["w7"]
    assert (node.id, node.state, node.zone, node.labels) == ("i-w7", "down", "rack-b", {"disk": "ssd"})
    register(cluster, "w7")
    node = cluster.tables.nodes["w7"]
    assert (node.state, node.cores, node.zone, node.labels, node.downs_ms) == (
        "ready",
        4,
        "rack-b",
        {"disk": "ssd"},
        (),
    )


def test_the_story_tells_of_a_machine_that_may_join_and_then_that_it_is_ready(cluster: Cluster) -> None:
    use(cluster, "w7")
    register(cluster, "w7")
    told = [(event.kind, event.subject, event.message) for event in cluster.tables.events.rows()]
    assert told == [
        ("node-joined", "w7", "may join, at 192.0.2.7:7201, and is ready when its agent is heard"),
        ("node-ready", "w7", ""),
    ]


def test_another_instance_does_not_register_under_the_name_that_was_joined(cluster: Cluster) -> None:
    use(cluster, "w7")
    assert refused(register(cluster, "w7", instance="i-other"), "conflict", "registered as instance i-w7")


def test_the_same_instance_joins_again_and_counts_once(cluster: Cluster) -> None:
    for _ in range(3):
        assert isinstance(use(cluster, "w7"), c.Applied)
    assert used(cluster) == 1


def test_a_token_that_is_used_up_lets_in_only_those_that_used_it(cluster: Cluster) -> None:
    use(cluster, "w7")
    use(cluster, "w8")
    assert refused(use(cluster, "w9"), "unauthorized", "is used up")
    assert "w9" not in cluster.tables.nodes
    assert isinstance(use(cluster, "w8"), c.Applied)


def test_a_token_ends_at_its_time(cluster: Cluster) -> None:
    cluster.now_ms += HOUR_MS
    assert refused(use(cluster, "w7"), "unauthorized", "has expired")


def test_a_token_that_was_revoked_lets_nobody_in(cluster: Cluster) -> None:
    use(cluster, "w7")
    assert isinstance(cluster.apply(c.RevokeJoinToken("t1"))[0], c.Applied)
    assert refused(use(cluster, "w7"), "unauthorized", "was revoked")
    assert refused(cluster.apply(c.RevokeJoinToken("t1"))[0], "not-found", "no join token t1")


def test_a_name_that_is_taken_is_refused_and_costs_no_use(cluster: Cluster) -> None:
    cluster.node("w7")
    assert refused(use(cluster, "w7", instance="i-new"), "conflict", "okube nodes rm w7")
    assert used(cluster) == 0


def test_a_machine_that_is_a_node_already_is_refused_with_how_to_renew_its_id(cluster: Cluster) -> None:
    use(cluster, "w7", machine_id="aa")
    result = use(cluster, "w8", machine_id="aa")
    assert refused(result, "conflict", "node w7 at 192.0.2.7:7201 has the same machine-id")
    assert refused(result, "conflict", "systemd-machine-id-setup")
    assert "w8" not in cluster.tables.nodes


def test_a_node_that_was_there_before_tokens_says_its_machine_when_it_registers(cluster: Cluster) -> None:
    register(cluster, "w1", machine_id="aa")
    assert refused(use(cluster, "w8", machine_id="aa"), "conflict", "node w1")


def test_two_nodes_of_one_machine_are_let_in_where_that_is_meant(cluster: Cluster) -> None:
    use(cluster, "w7", machine_id="aa")
    assert isinstance(use(cluster, "w8", machine_id="aa", beside=True), c.Applied)


def test_machines_without_an_id_are_all_different(cluster: Cluster) -> None:
    use(cluster, "w7")
    assert isinstance(use(cluster, "w8"), c.Applied)


def test_a_managers_token_makes_no_node() -> None:
    cluster = Cluster()
    cluster.apply(c.CreateJoinToken("t1", "manager", HASH, HOUR_MS))
    use(cluster, "m4")
    assert (used(cluster), dict(cluster.tables.nodes)) == (1, {})


def test_tokens_that_ended_are_forgotten_after_a_day_and_too_many_are_refused() -> None:
    cluster = Cluster()
    for n in range(KEPT_TOKENS):
        cluster.apply(c.CreateJoinToken(f"t{n}", "worker", HASH, HOUR_MS))
    assert refused(cluster.apply(c.CreateJoinToken("x", "worker", HASH, HOUR_MS))[0], "conflict", "okube token revoke")
    cluster.now_ms += 25 * HOUR_MS
    assert isinstance(cluster.apply(c.CreateJoinToken("x", "worker", HASH, HOUR_MS))[0], c.Applied)
    assert [token.id for token in cluster.tables.settings.join_tokens] == ["x"]


def test_tokens_are_in_snapshots(cluster: Cluster) -> None:
    use(cluster, "w7", machine_id="aa")
    other = StateMachine()
    other.restore(b"".join(dump(cluster.tables)))
    assert other.tables.settings == cluster.tables.settings
    assert other.tables.nodes == cluster.tables.nodes
    assert other.tables.digest.hex() == cluster.tables.digest.hex()
