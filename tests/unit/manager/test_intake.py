"""What agents say is taken in the order in which they said it, and from who they are."""

import asyncio

import msgspec
import pytest

from okube.manager import intake
from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.errors import Conflict
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import Heartbeat, Registration
from tests.builders import a_spec
from tests.unit.manager.conftest import Api

REGISTRATION = Registration(
    node="w1",
    instance="i1",
    address="192.0.2.1:7201",
    labels={},
    zone="",
    cores=4.0,
    memory=8 << 30,
    disk=50 << 30,
    runtime="docker",
    software="1",
    run="r1",
    knows=COMMAND_VERSION,
    platform="linux/amd64",
)


def _beat(sequence: int, *reports: c.TaskReport, run: str = "r1") -> Heartbeat:
    return Heartbeat(node="w1", instance="i1", epoch=Epoch(), revision=0, reports=reports, run=run, sequence=sequence)


async def _enabled(api: Api) -> None:
    """Until all that this Okube knows may be written down."""
    async with asyncio.timeout(10):
        while api.core.tables.settings.command_version < COMMAND_VERSION:
            await api.core.raft.wait_leadership_change(0.02)


async def _a_task(api: Api) -> str:
    await _enabled(api)
    assert (await intake.register(api.core, api.reign.leader, REGISTRATION)).accepted
    await api.core.submit(c.PutServices((a_spec(),), ("s1",), "create"))
    async with asyncio.timeout(10):
        while (task := (await api("GET", "/v1/tasks/web.1")).body).get("state") != "scheduled":
            pass
    return str(task["id"])


async def test_a_heartbeat_that_was_held_up_does_not_undo_what_a_later_one_said(api: Api) -> None:
    task = await _a_task(api)
    early = _beat(1, c.TaskReport(task, "running", ready=True))
    later = _beat(2, c.TaskReport(task, "running", ready=False, restarts=1, message="restarting in 1 s"))
    await intake.heartbeat(api.core, api.reign.leader, later)
    with pytest.raises(Conflict):
        await intake.heartbeat(api.core, api.reign.leader, early)
    assert not api.core.tables.tasks[task].ready


async def test_the_same_heartbeat_may_come_twice(api: Api) -> None:
    task = await _a_task(api)
    beat = _beat(1, c.TaskReport(task, "running", ready=True))
    assert (await intake.heartbeat(api.core, api.reign.leader, beat)).known
    assert (await intake.heartbeat(api.core, api.reign.leader, beat)).known
    assert api.core.tables.tasks[task].ready


async def test_another_run_of_the_agent_registers_before_it_is_heard(api: Api) -> None:
    task = await _a_task(api)
    await intake.heartbeat(api.core, api.reign.leader, _beat(900))
    new_run = _beat(1, c.TaskReport(task, "running", ready=True), run="r2")
    assert not (await intake.heartbeat(api.core, api.reign.leader, new_run)).known
    assert not api.core.tables.tasks[task].ready
    await intake.register(api.core, api.reign.leader, msgspec.structs.replace(REGISTRATION, run="r2"))
    assert (await intake.heartbeat(api.core, api.reign.leader, new_run)).known
    assert api.core.tables.tasks[task].ready


async def test_a_refused_registration_is_no_sign_of_life_of_the_node(api: Api) -> None:
    await intake.register(api.core, api.reign.leader, REGISTRATION)
    leader = api.reign.leader
    assert leader is not None
    seen = leader.liveness.last_seen_ms("w1")
    stranger = msgspec.structs.replace(REGISTRATION, instance="i2", run="r2")
    answer = await intake.register(api.core, leader, stranger)
    assert not answer.accepted
    assert "okube nodes rm w1" in answer.message
    assert leader.liveness.last_seen_ms("w1") == seen
    assert leader.runs["w1"][0] == "r1"


@pytest.mark.parametrize("field", [{"memory": 1 << 63}, {"memory": -1}, {"cores": -1.0}, {"address": "x" * 1000}])
def test_what_no_machine_has_is_not_read(field: dict[str, object]) -> None:
    data = msgspec.msgpack.encode(msgspec.structs.replace(REGISTRATION, **field))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(data, type=Registration)


@pytest.mark.parametrize("field", [{"started_ms": 1 << 62}, {"message": "x" * 5000}, {"restarts": -1}])
def test_a_report_that_could_not_be_shown_is_not_read(field: dict[str, object]) -> None:
    report = msgspec.structs.replace(c.TaskReport("t", "running"), **field)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(report), type=c.TaskReport)


async def test_the_leader_tells_who_joins_and_who_is_back_and_a_change_s_answer_when_it_was_seen(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "okube.manager")
    assert (await intake.register(api.core, api.reign.leader, REGISTRATION)).accepted
    assert (await api("PATCH", "/v1/nodes/w1", {"availability": "cordoned"})).body["last_seen"] is not None
    for message in ("node w1 is ready again", "node w1 is removed from the cluster by"):
        await api.core.submit(c.SetNodeState(("w1",), ("i1",), "down"))
        if "removed" in message:
            assert (await api("DELETE", "/v1/nodes/w1")).status == 200
        else:
            await intake.register(api.core, api.reign.leader, REGISTRATION)
        assert message in caplog.text
    assert "node w1 has joined" in caplog.text


async def test_a_leader_older_than_what_an_agent_obeys_says_so_at_the_node_until_it_is_not(api: Api) -> None:
    await _enabled(api)
    assert (await intake.register(api.core, api.reign.leader, REGISTRATION)).accepted
    ahead = msgspec.structs.replace(_beat(1), epoch=Epoch(9, 4))
    await intake.heartbeat(api.core, api.reign.leader, ahead)
    node = api.core.tables.nodes["w1"]
    assert [condition.kind for condition in node.conditions] == ["epoch-ahead"]
    assert "obeys epoch 9.4" in node.conditions[0].message
    assert not node.takes_tasks
    await intake.heartbeat(api.core, api.reign.leader, msgspec.structs.replace(_beat(2), epoch=api.core.epoch))
    assert api.core.tables.nodes["w1"].takes_tasks


async def test_an_agent_that_has_not_said_what_it_knows_registers_once_more_and_no_more_often(api: Api) -> None:
    await _enabled(api)
    old = msgspec.structs.replace(REGISTRATION, knows=0)
    await intake.register(api.core, api.reign.leader, old)
    assert not (await intake.heartbeat(api.core, api.reign.leader, _beat(1))).known
    await intake.register(api.core, api.reign.leader, old)
    assert (await intake.heartbeat(api.core, api.reign.leader, _beat(2))).known
    assert (await intake.heartbeat(api.core, api.reign.leader, _beat(3))).known
    assert api.core.tables.nodes["w1"].knows == 0


async def test_what_an_agent_knows_is_written_down(api: Api) -> None:
    await _enabled(api)
    await intake.register(api.core, api.reign.leader, REGISTRATION)
    assert (await intake.heartbeat(api.core, api.reign.leader, _beat(1))).known
    assert api.core.tables.nodes["w1"].knows == COMMAND_VERSION


async def test_where_a_node_is_counts_as_long_as_nobody_has_said_it(api: Api) -> None:
    await _enabled(api)
    said = msgspec.structs.replace(REGISTRATION, region="north", zone="a", rack="a-1")
    await intake.register(api.core, api.reign.leader, said)
    elsewhere = msgspec.structs.replace(said, region="south", zone="b", rack="b-1", run="r2")
    await intake.register(api.core, api.reign.leader, elsewhere)
    node = api.core.tables.nodes["w1"]
    assert (node.region, node.zone, node.rack) == ("north", "a", "a-1")


async def test_a_node_from_before_there_were_regions_gets_the_one_that_its_agent_says(api: Api) -> None:
    await _enabled(api)
    await intake.register(api.core, api.reign.leader, REGISTRATION)
    said = msgspec.structs.replace(REGISTRATION, region="north", rack="a-1", run="r2")
    await intake.register(api.core, api.reign.leader, said)
    node = api.core.tables.nodes["w1"]
    assert (node.region, node.rack) == ("north", "a-1")


async def test_what_could_not_be_taken_down_yet_is_asked_for_again_once_it_can(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _enabled(api)
    takes = intake._takes
    monkeypatch.setattr(intake, "_takes", lambda core, field: field not in ("region", "rack") and takes(core, field))
    said = msgspec.structs.replace(REGISTRATION, region="north")
    await intake.register(api.core, api.reign.leader, said)
    assert api.core.tables.nodes["w1"].region == ""
    assert (await intake.heartbeat(api.core, api.reign.leader, _beat(1))).known
    monkeypatch.setattr(intake, "_takes", takes)
    assert not (await intake.heartbeat(api.core, api.reign.leader, _beat(2))).known
    await intake.register(api.core, api.reign.leader, said)
    assert api.core.tables.nodes["w1"].region == "north"
    assert (await intake.heartbeat(api.core, api.reign.leader, _beat(3))).known


async def test_what_a_leader_before_could_not_take_down_its_successor_asks_for_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _enabled(api)
    takes, leader = intake._takes, api.reign.leader
    monkeypatch.setattr(intake, "_takes", lambda core, field: field not in ("named", "platform") and takes(core, field))
    said = msgspec.structs.replace(REGISTRATION, named={"gpu": 2})
    await intake.register(api.core, leader, said)
    assert leader is not None
    leader.cut_short.clear()  # another leader knows nothing of it
    monkeypatch.setattr(intake, "_takes", takes)
    assert not (await intake.heartbeat(api.core, leader, _beat(1))).known
    await intake.register(api.core, leader, said)
    assert (await intake.heartbeat(api.core, leader, _beat(2))).known
    node = api.core.tables.nodes["w1"]
    assert (node.named, node.platform) == ({"gpu": 2}, "linux/amd64")


async def test_what_an_agent_offers_is_taken_as_far_as_a_service_could_ask_for_it(api: Api) -> None:
    await _enabled(api)
    many = {f"gpu-{number:03}": 1 for number in range(100)}
    said = {"gpu": 2, "CPU!": 3, "memory": 4, "tuner": 0, "fpga": 10**9, **many}
    await intake.register(api.core, api.reign.leader, msgspec.structs.replace(REGISTRATION, named=said))
    named = api.core.tables.nodes["w1"].named
    assert named["gpu"] == 2
    assert len(named) == 64
    assert named.keys().isdisjoint({"CPU!", "memory", "tuner", "fpga"})
