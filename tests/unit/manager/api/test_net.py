"""The network as the API shows it."""

import msgspec

from okube.manager import intake
from okube.model.epoch import Epoch
from okube.model.network import Coordinate
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import Heartbeat, NetworkReport, RoundTrip
from okube.network.coordinates import DIMENSIONS
from tests.builders import a_spec
from tests.unit.manager.conftest import Api

HERE = Coordinate((0.01, *[0.0] * (DIMENSIONS - 1)), 0.0001, 0.1)


async def _two_nodes(api: Api) -> None:
    await api.node("w1", zone="a")
    await api.node("w2", zone="b")
    leader = api.reign.leader
    assert leader is not None
    leader.asked_again.update(w1="", w2="")  # to register once more, which these have done


def _beat(node: str, sequence: int, report: NetworkReport | None) -> Heartbeat:
    return Heartbeat(node=node, instance=f"i-{node}", epoch=Epoch(), revision=0, sequence=sequence, network=report)


async def test_what_agents_measure_is_shown(api: Api) -> None:
    await _two_nodes(api)
    leader = api.reign.leader
    for node in ("w1", "w2"):
        found = (RoundTrip("w2", 0.012),) if node == "w1" else ()
        await intake.heartbeat(api.core, leader, _beat(node, 1, NetworkReport(HERE, found, 10**9, 8, 16)))
    shown = (await api("GET", "/v1/net?node=w2")).body
    assert [(z["from"], z["to"], z["latency"]) for z in shown["zones"]] == [
        ("a", "a", None),
        ("a", "b", 0.012),
        ("b", "b", None),
    ]
    # w2 says that it is where w1 is, which w1 does not find: so its coordinate tells nothing.
    assert shown["pairs"] == [{"from": "w2", "to": "w1", "latency": 0.012, "measured": 0.012, "told": None}]
    (w1, _) = shown["nodes"]
    assert (w1["coordinate"], w1["link"], w1["sent"], w1["received"]) == (list(HERE.position), 10**9, 8, 16)
    assert w1["told"] is not None


async def test_an_agent_is_told_whom_to_measure_and_one_that_measures_nothing_is_not(api: Api) -> None:
    await _two_nodes(api)
    answer = await intake.heartbeat(api.core, api.reign.leader, _beat("w1", 1, NetworkReport()))
    assert answer.probing is not None
    assert [(peer.node, peer.address) for peer in answer.probing.peers] == [("w2", "127.0.0.1:9")]
    again = await intake.heartbeat(api.core, api.reign.leader, _beat("w1", 2, NetworkReport()))
    assert again.probing is None
    older = await intake.heartbeat(api.core, api.reign.leader, _beat("w2", 1, None))
    assert older.probing is None


async def test_links_are_shown_with_what_is_reserved_on_them(api: Api) -> None:
    await _two_nodes(api)
    while api.core.tables.settings.command_version < COMMAND_VERSION:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)
    await intake.heartbeat(api.core, api.reign.leader, _beat("w1", 1, NetworkReport(HERE, (), 10**9, 8, 16)))
    await api("PUT", "/v1/net/topology", {"zones": {"between": {"bandwidth": "250M"}}})
    db = a_spec("db", constraints=["node.name == w1"])
    web = a_spec("web", constraints=["node.name == w2"], depends_on=[{"service": "db", "min_bandwidth": "100M"}])
    for spec in (db, web):
        await api("POST", "/v1/services", msgspec.to_builtins(spec))
    while not all(task.node for task in api.core.tables.tasks.values()) or len(api.core.tables.tasks) < 2:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)

    links = (await api("GET", "/v1/net/links")).body["links"]

    told = [
        (link["kind"], link["from"], link["to"], link["capacity"], link["reserved"], link["free"]) for link in links
    ]
    assert told == [
        ("node", "w1", "", 10**9, 10**8, 9 * 10**8),
        ("node", "w2", "", None, 10**8, None),
        ("zone", "a", "b", 25 * 10**7, 10**8, 15 * 10**7),
    ]
    assert (links[0]["sent"], links[2]["flows"]) == (8, [{"from": "web", "to": "db", "reserved": 10**8}])


async def test_a_node_that_is_not_there_has_no_round_trips(api: Api) -> None:
    answer = await api("GET", "/v1/net?node=w9")
    assert (answer.status, answer.body["detail"]) == (404, "there is no node w9")


async def test_region_and_rack_of_a_node_are_changed_as_its_zone_is(api: Api) -> None:
    await _two_nodes(api)
    while api.core.tables.settings.command_version < COMMAND_VERSION:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)
    changed = (await api("PATCH", "/v1/nodes/w1", {"region": "north", "rack": "a-1"})).body
    assert (changed["region"], changed["zone"], changed["rack"]) == ("north", "a", "a-1")
    assert (await api("GET", "/v1/nodes/w1")).body["region"] == "north"
