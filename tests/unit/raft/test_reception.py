"""Whom a member listens to, and what it learns of them."""

import asyncio
import logging

import pytest

from okube.raft import NotBootstrapped
from okube.raft.frames import Confirm, encode_frame
from tests.simulation.cluster import until
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio


@in_virtual_time
async def test_a_member_of_another_instance_is_not_let_in() -> None:
    trio = Trio()
    leader = await trio.start()
    site = trio.site(trio.followers()[0])
    site.kill()
    site.instance = "wiped"
    trio.cluster.start(site)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=1)
    assert isinstance(trio.cluster.fatal[0][1], NotBootstrapped)
    assert leader.peer_status()[site.name].connected is False


@in_virtual_time
async def test_frames_of_strangers_and_garbage_cost_their_sender_the_link(caplog: pytest.LogCaptureFixture) -> None:
    trio = Trio()
    leader = await trio.start()
    reception = leader._driver.reception
    follower = trio.followers()[0]
    frame = encode_frame(follower.name, "wrong", 99, Confirm(1))
    with caplog.at_level(logging.WARNING, "okube.raft.reception"):
        reception.peer_frame(follower.name, "wrong", frame)
        reception.peer_frame("m9", "m9-i", encode_frame("m9", "m9-i", 99, Confirm(1)))
        reception.peer_frame(follower.name, follower.instance, encode_frame("m9", follower.instance, 99, Confirm(1)))
        for _ in range(10):
            reception.peer_frame(follower.name, follower.instance, b"garbage")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2, "one of each sender, and no more within a second"
    await asyncio.sleep(0.5)
    assert {peer for peer, status in leader.peer_status().items() if status.connected} == {"m1", "m2", "m3"} - {
        leader.name
    }
    assert leader.term < 99
    assert leader.role == "leader"


@in_virtual_time
async def test_the_leader_knows_what_each_linked_member_knows_and_is_told_when_that_changes() -> None:
    trio = Trio()
    trio.knows = {"m1": 3, "m2": 4, "m3": 5}
    leader = await trio.start()
    assert await until(lambda: leader.known_versions() == {"m1": 3, "m2": 4, "m3": 5}, within_s=2)
    site = trio.site(trio.followers()[0])
    site.kill()
    assert await until(lambda: leader.known_versions()[site.name] is None, within_s=2)
    trio.knows[site.name] = 9
    before = trio.heard
    trio.cluster.start(site)
    assert await until(lambda: leader.known_versions()[site.name] == 9, within_s=2)
    assert trio.heard > before
