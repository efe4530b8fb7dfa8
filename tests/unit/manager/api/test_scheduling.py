"""How nodes are chosen: seeded by cluster.yaml, replicated, shown, and changed by the API."""

import msgspec

from okube.manager.nodetable import node_table
from okube.manager.scheduling import plan_seeding, policy_in
from okube.model import commands as c
from okube.model.scheduling import Overcommit, Scheduling
from okube.model.versions import COMMAND_VERSION, version_of
from okube.scheduler import NO_EXTENSIONS
from tests.builders import Cluster, a_spec
from tests.unit.manager.conftest import Api

BINPACK = Scheduling(policy="binpack", weights={"spread": 5.0})


async def enabled(api: Api) -> None:
    while api.core.tables.settings.command_version < COMMAND_VERSION:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)


async def test_nodes_are_chosen_by_spread_until_somebody_says_otherwise(api: Api) -> None:
    found = (await api("GET", "/v1/scheduler")).body
    assert (found["policy"], found["weights"], found["unknown"]) == ("spread", {}, [])
    assert found["scores"] == {"preference": 1000, "spread": 100, "zones": 10, "balance": 1, "tasks": 0.1}


async def test_another_policy_counts_for_what_is_placed_next_and_is_told(api: Api) -> None:
    await enabled(api)
    changed = await api("PUT", "/v1/scheduler", {"policy": "binpack", "weights": {"spread": 5, "colour": 1}})
    assert (changed.status, changed.body["scores"], changed.body["unknown"]) == (
        200,
        {"preference": 1000, "binpack": 100, "spread": 5},
        ["colour"],
    )
    assert policy_in(api.core.tables, NO_EXTENSIONS).name == "binpack"
    assert (await api("GET", "/v1/status")).body["scheduler"]["policy"] == "binpack"
    (event,) = (await api("GET", "/v1/events?kind=scheduling-changed")).body
    assert event["message"] == "nodes are chosen by binpack with colour 1, spread 5"


async def test_another_order_is_set_shown_and_told(api: Api) -> None:
    await enabled(api)
    assert (await api("GET", "/v1/scheduler")).body["order"] == "kahn"
    assert (await api("PUT", "/v1/scheduler", {"order": "reverse-tarjan"})).body["order"] == "reverse-tarjan"
    (event,) = (await api("GET", "/v1/events?kind=scheduling-changed")).body
    assert event["message"].endswith("services that depend on each other are placed in the order reverse-tarjan")
    refused = await api("PUT", "/v1/scheduler", {"order": "khan"})
    assert "did you mean 'kahn'?" in refused.body["errors"][0]["message"]


def test_an_order_waits_until_all_managers_know_of_orders() -> None:
    assert version_of(c.PutScheduling(Scheduling())) == 5
    assert version_of(c.PutScheduling(Scheduling(order="tarjan"))) == 6


async def test_what_get_gives_put_takes(api: Api) -> None:
    await enabled(api)
    found = (await api("GET", "/v1/scheduler")).body
    assert (await api("PUT", "/v1/scheduler", found)).body == found


async def test_what_cannot_be_weighed_is_refused_and_changes_nothing(api: Api) -> None:
    await enabled(api)
    for weights in ({"spread": -1}, {"spread": "much"}, {"Spread ": 1}, {"spread": 1e9}, [1]):
        answer = await api("PUT", "/v1/scheduler", {"policy": "epvm", "weights": weights})
        assert answer.status == 422
        assert answer.body["errors"][0]["path"] == "weights"
    unknown = await api("PUT", "/v1/scheduler", {"policy": "spred"})
    assert "did you mean 'spread'?" in unknown.body["errors"][0]["message"]
    assert (await api("GET", "/v1/scheduler")).body["policy"] == "spread"


def test_what_the_file_says_counts_once_and_never_over_what_was_set() -> None:
    cluster = Cluster()
    cluster.apply(c.PutScheduling(BINPACK, seed=True))
    assert cluster.tables.settings.scheduling == BINPACK
    cluster.apply(c.PutScheduling(Scheduling(policy="epvm"), seed=True))
    assert cluster.tables.settings.scheduling == BINPACK
    cluster.apply(c.PutScheduling(Scheduling()))
    cluster.apply(c.PutScheduling(BINPACK, seed=True))
    assert cluster.tables.settings.scheduling == Scheduling()


async def test_the_file_is_proposed_once_all_managers_know_of_it_and_nobody_said_anything(api: Api) -> None:
    settings = msgspec.structs.replace(api.core.settings, scheduling=BINPACK)
    cluster = Cluster()
    assert plan_seeding(cluster.tables, settings) == []
    cluster.apply(c.EnableVersion(COMMAND_VERSION))
    assert plan_seeding(cluster.tables, api.core.settings) == []
    (command,) = plan_seeding(cluster.tables, settings)
    cluster.apply(command)
    assert plan_seeding(cluster.tables, settings) == []


def test_what_was_set_is_in_a_snapshot() -> None:
    cluster, other = Cluster(), Cluster()
    cluster.apply(c.PutScheduling(BINPACK))
    cluster.put(a_spec())
    other.machine.restore(b"".join(cluster.machine.snapshot()))
    assert other.tables.settings.scheduling == BINPACK
    assert other.tables.digest.hex() == cluster.tables.digest.hex()


async def test_more_or_less_than_nodes_have_is_promised(api: Api) -> None:
    await enabled(api)
    await api.node("w1", cores=2.0)
    body = {"policy": "spread", "overcommit": {"cpus": 2, "memory": 0.5}}
    assert (await api("PUT", "/v1/scheduler", body)).body["overcommit"] == {"cpus": 2.0, "memory": 0.5, "disk": 1.0}
    table = node_table(api.core.tables)
    assert (table.cpus_total[0], table.memory_total[0], table.disk_total[0]) == (4.0, 4 << 30, 50 << 30)
    for factor in (0, -1, 11, "much"):
        answer = await api("PUT", "/v1/scheduler", {"policy": "spread", "overcommit": {"disk": factor}})
        assert answer.body["errors"][0]["path"] == "overcommit.disk"


def test_a_node_that_holds_more_than_may_be_promised_now_keeps_it_and_gets_nothing_new() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=4)
    cluster.put(a_spec("web", replicas=3, resources={"cpus": 1}))
    cluster.settle()
    cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(cpus=0.5))))
    cluster.scale("web", 4)
    cluster.settle()
    assert [task.node for task in cluster.active("web")] == ["w1", "w1", "w1", None]
    assert cluster.active("web")[3].message == "no node fits: 1 node: cpu 1 core asked, none free"
    cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(cpus=1.0))))
    cluster.settle()
    assert [task.node for task in cluster.active("web")] == ["w1"] * 4
