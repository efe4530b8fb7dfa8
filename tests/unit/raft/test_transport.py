import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from okube.raft import Member, Proposer, RaftConfig, RaftNode
from okube.raft.transport import TlsTransport
from okube.seams.clock import SystemClock
from okube.seams.disk import FileDisk
from okube.seams.lasting import Lasting
from okube.seams.transport import Peer
from tests.simulation.ledger import Ledger, seal
from tests.unit.raft.tls import Certificates


class Recorder:
    """A handler that remembers."""

    def __init__(self, transport: TlsTransport, name: str) -> None:
        self.transport = transport
        self.name = name
        self.events: list[str] = []
        self.frames: list[tuple[str, str, bytes]] = []
        self.cards: list[bytes] = []
        self.instances: dict[str, str] = {}
        transport.bind(self)

    def peer_greeted(self, peer: str, instance: str, card: bytes) -> str | None:
        self.cards.append(card)
        return None if self.instances.get(peer) == instance else f"manager {peer} ({instance}) is not a member"

    def peer_up(self, peer: str) -> None:
        self.events.append(f"up {peer}")

    def peer_down(self, peer: str, *, closed: bool = True) -> None:
        self.events.append(f"down {peer}" if closed else f"silent {peer}")

    def peer_frame(self, peer: str, instance: str, data: bytes) -> None:
        self.frames.append((peer, instance, data))

    def knows(self, *others: "Recorder") -> None:
        self.instances = {other.name: f"{other.name}-i" for other in others}
        self.transport.set_peers(
            [Peer(other.name, f"{other.name}-i", f"127.0.0.1:{other.transport.port}") for other in others]
        )


async def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest_asyncio.fixture
async def pair(certificates: Certificates) -> AsyncIterator[tuple[Recorder, Recorder]]:
    """Two managers that know each other and are connected."""
    one, two = (Recorder(certificates.transport(name), name) for name in ("m1", "m2"))
    await one.transport.start()
    await two.transport.start()
    one.knows(two)
    two.knows(one)
    await eventually(lambda: bool(one.events and two.events))
    yield one, two
    await one.transport.stop()
    await two.transport.stop()


Pair = tuple[Recorder, Recorder]


async def test_frames_arrive_in_order_and_with_their_sender(pair: Pair) -> None:
    one, two = pair
    frames = [b"%d" % number for number in range(500)] + [bytes(3_000_000), b"last"]
    for frame in frames:
        one.transport.send("m2", frame)
        two.transport.send("m1", frame)
    await eventually(lambda: len(one.frames) == len(two.frames) == len(frames))
    assert two.frames == [("m1", "m1-i", frame) for frame in frames]
    assert one.frames == [("m2", "m2-i", frame) for frame in frames]


async def test_a_pair_has_one_connection(pair: Pair) -> None:
    await asyncio.sleep(0.3)
    assert [recorder.events for recorder in pair] == [["up m2"], ["up m1"]]


async def test_a_dropped_link_is_made_anew(pair: Pair) -> None:
    one, two = pair
    for dropping, peer in ((two, "m1"), (one, "m2")):
        before = len(one.events)
        dropping.transport.drop(peer)
        await eventually(lambda before=before: len(one.events) == before + 2)  # type: ignore[misc]
    assert one.events == ["up m2", "down m2", "up m2", "silent m2", "up m2"]


async def test_a_queue_that_is_full_ends_the_link(certificates: Certificates) -> None:
    one = Recorder(certificates.transport("m1", max_queue_bytes=200_000), "m1")
    two = Recorder(certificates.transport("m2"), "m2")
    for recorder in (one, two):
        await recorder.transport.start()
    one.knows(two)
    two.knows(one)
    await eventually(lambda: bool(one.events))
    for _ in range(200):
        one.transport.send("m2", bytes(100_000))
    await eventually(lambda: "silent m2" in one.events)
    assert len(two.frames) < 200
    for recorder in (one, two):
        await recorder.transport.stop()


async def test_a_frame_above_the_limit_ends_the_link_with_one_line(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    one = Recorder(certificates.transport("m1"), "m1")
    two = Recorder(certificates.transport("m2", max_frame_bytes=1000), "m2")
    for recorder in (one, two):
        await recorder.transport.start()
    one.knows(two)
    two.knows(one)
    await eventually(lambda: bool(one.events))
    one.transport.send("m2", bytes(1001))
    await eventually(lambda: "down m2" in one.events)
    assert "announced a frame of 1001 bytes" in caplog.text
    assert two.frames == []
    for recorder in (one, two):
        await recorder.transport.stop()


async def test_a_silent_link_is_ended(pair: Pair) -> None:
    one, two = pair
    watch = two.transport._watch
    assert watch is not None
    watch.cancel()  # as if its process were stopped: it says nothing any more
    await eventually(lambda: "silent m2" in one.events, within_s=2.0)
    assert "down m2" not in one.events


async def test_a_silent_link_that_comes_back_before_another_one_is_made_goes_on(pair: Pair) -> None:
    one, two = pair
    watch, server = two.transport._watch, two.transport._server
    assert watch is not None
    assert server is not None
    watch.cancel()
    server.close()  # no other link can be made
    await asyncio.sleep(1.2)  # longer than the election time-out
    two.transport.send("m1", b"late")
    await eventually(lambda: one.frames == [("m2", "m2-i", b"late")])
    assert one.events == ["up m2"]


async def test_who_ends_its_process_closed_the_link_and_refuses_a_new_one(pair: Pair) -> None:
    one, two = pair
    await two.transport.stop()
    await eventually(lambda: one.events[:3] == ["up m2", "down m2", "down m2"], within_s=2.0)


async def test_a_quiet_link_stays(pair: Pair) -> None:
    await asyncio.sleep(1.2)
    assert [recorder.events for recorder in pair] == [["up m2"], ["up m1"]]


async def test_another_link_takes_the_place_of_one_whose_certificates_end_and_nobody_is_down_meanwhile(
    certificates: Certificates,
) -> None:
    now = time.time()
    shown = [Lasting(now - 6, now + 2), Lasting(now, now + 10_000)]
    one = Recorder(
        certificates.transport("m1", lasting=lambda: shown[0] if time.time() < now + 0.3 else shown[1]), "m1"
    )
    two = Recorder(certificates.transport("m2"), "m2")
    for recorder in (one, two):
        await recorder.transport.start()
    one.knows(two)
    two.knows(one)
    await eventually(lambda: len(one.events) > 1 and len(two.events) > 1)
    assert (one.events[:2], two.events[:2]) == (["up m2", "silent m2"], ["up m1", "silent m1"])
    await eventually(lambda: one.events[2:] == ["up m2"] and two.events[2:] == ["up m1"])
    one.transport.send("m2", b"hello")
    await eventually(lambda: two.frames == [("m1", "m1-i", b"hello")])
    for recorder in (one, two):
        await recorder.transport.stop()


async def test_a_link_ends_with_a_certificate_that_nobody_renewed(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    one = Recorder(certificates.transport("m1"), "m1")
    two = Recorder(certificates.transport("m2", life=timedelta(seconds=3)), "m2")
    for recorder in (one, two):
        await recorder.transport.start()
    one.knows(two)
    two.knows(one)
    await eventually(lambda: "up m2" in one.events)
    await eventually(lambda: "a certificate that was shown on it has ended" in caplog.text)
    await eventually(lambda: not one.transport._links and not two.transport._links)
    assert one.events[-1] in ("silent m2", "down m2")
    for recorder in (one, two):
        await recorder.transport.stop()


async def test_a_peer_that_is_no_member_any_more_is_cut_off(pair: Pair) -> None:
    one, two = pair
    one.transport.set_peers([])
    await eventually(lambda: "silent m2" in one.events and "down m1" in two.events)
    one.transport.send("m2", b"lost")
    await asyncio.sleep(0.2)
    assert two.frames == []


async def test_who_is_not_dialled_knocks_and_both_see_the_other_s_card(certificates: Certificates) -> None:
    one, two = (Recorder(certificates.transport(name), name) for name in ("m1", "m2"))
    for recorder in (one, two):
        recorder.transport.set_card(recorder.name.encode())
        await recorder.transport.start()
    one.instances = {"m2": "m2-i"}  # it lets m2 in, and does not know where it is
    two.knows(one)
    await eventually(lambda: bool(one.events and two.events))
    assert (one.cards, two.cards) == ([b"m2"], [b"m1"])
    two.transport.send("m1", b"hello")
    await eventually(lambda: one.frames == [("m2", "m2-i", b"hello")])
    for recorder in (one, two):
        await recorder.transport.stop()


async def test_who_is_not_wanted_sees_the_card_and_does_not_ask_all_the_time(certificates: Certificates) -> None:
    one, two = (Recorder(certificates.transport(name), name) for name in ("m1", "m2"))
    two.transport.set_card(b"you were removed")
    for recorder in (one, two):
        await recorder.transport.start()
    one.knows(two)
    await asyncio.sleep(2.0)
    assert set(one.cards) == {b"you were removed"}
    assert 2 <= len(one.cards) <= 8
    for recorder in (one, two):
        await recorder.transport.stop()


async def refused(certificates: Certificates, caplog: pytest.LogCaptureFixture, caller: Recorder) -> str:
    """What m2, which knows only m1 of instance m1-i, says about a caller that dials it for a second."""
    two = Recorder(certificates.transport("m2"), "m2")
    two.instances = {"m1": "m1-i"}
    await two.transport.start()
    two.transport.set_peers([Peer("m1", "m1-i", "127.0.0.1:1")])
    await caller.transport.start()
    caller.knows(two)
    with caplog.at_level(logging.INFO, "okube.raft.transport"):
        await asyncio.sleep(0.9)
    assert two.events == []
    await caller.transport.stop()
    await two.transport.stop()
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert 1 <= len(lines) <= 2
    return lines[0]


async def test_an_unknown_instance_is_refused_with_one_sentence(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Recorder(certificates.transport("m1", instance="wiped"), "m1")
    assert "m1 (wiped) is not a member" in await refused(certificates, caplog, caller)


async def test_an_unknown_name_is_refused(certificates: Certificates, caplog: pytest.LogCaptureFixture) -> None:
    caller = Recorder(certificates.transport("m0"), "m0")
    assert "m0 (m0-i) is not a member" in await refused(certificates, caplog, caller)


async def test_a_worker_cannot_say_it_is_a_manager(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Recorder(certificates.transport("m1", role="worker"), "m1")
    assert "its certificate is of worker m1" in await refused(certificates, caplog, caller)


async def test_a_worker_is_not_even_greeted(certificates: Certificates) -> None:
    one = Recorder(certificates.transport("m1"), "m1")
    await one.transport.start()
    _, client = certificates.contexts("w1", "worker")
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", one.transport.port, ssl=client, server_hostname="m1.manager.c1.okube"
    )
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    await one.transport.stop()


async def test_callers_that_do_not_greet_are_few_and_the_oldest_goes(certificates: Certificates) -> None:
    one = Recorder(certificates.transport("m1", election_s=10.0), "m1")
    await one.transport.start()
    _, client = certificates.contexts("m2")
    callers = []
    for _ in range(12):
        callers.append(
            await asyncio.open_connection(
                "127.0.0.1", one.transport.port, ssl=client, server_hostname="m1.manager.c1.okube"
            )
        )
        await callers[-1][0].readexactly(1)  # it is greeted
    await eventually(lambda: len(one.transport._pending) == 8)
    for reader, _ in callers[:4]:
        with contextlib.suppress(ConnectionError):
            await reader.read()
    for _, writer in callers:
        writer.close()
    await one.transport.stop()


async def test_a_manager_of_another_cluster_is_not_even_greeted(
    certificates: Certificates, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    caller = Recorder(Certificates(tmp_path / "other", "c2").transport("m1", cluster_id="c1"), "m1")
    two = Recorder(certificates.transport("m2"), "m2")
    await two.transport.start()
    await caller.transport.start()
    caller.knows(two)
    two.transport.set_peers([Peer("m1", "m1-i", "127.0.0.1:1")])
    with caplog.at_level(logging.WARNING, "okube.raft.transport"):
        await asyncio.sleep(0.5)
    assert (caller.events, two.events) == ([], [])
    assert ["cannot reach m2" in record.getMessage() for record in caplog.records] == [True]
    await caller.transport.stop()
    await two.transport.stop()


async def test_garbage_from_anyone_costs_nothing_and_harms_nobody(
    pair: Pair, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = pair
    chance = random.Random(1)
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", two.transport.port)
        writer.write(chance.randbytes(2000))
        writer.close()
    _, client = certificates.contexts("m3")
    for data in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x05hello", b"\x00\x00\x00\x00" * 3, chance.randbytes(5000)):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", two.transport.port, ssl=client, server_hostname="m2.manager.c1.okube"
        )
        writer.write(data)
        if any(data):
            while await reader.read(1000):
                pass
        writer.close()
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 2
    one.transport.send("m2", b"still here")
    await eventually(lambda: two.frames == [("m1", "m1-i", b"still here")])


async def test_a_cluster_over_real_links_and_disks_survives_the_end_of_its_leader(
    certificates: Certificates, tmp_path: Path
) -> None:
    names = ("m1", "m2", "m3")
    config = RaftConfig(election_ms=1000)
    transports = {name: certificates.transport(name, election_s=1.0) for name in names}
    for transport in transports.values():
        await transport.start()
    members = [Member(name, f"{name}-i", f"127.0.0.1:{transports[name].port}", "") for name in names]
    ports = {name: transports[name].port for name in names}
    for transport in transports.values():
        await transport.stop()
    disk = FileDisk()
    nodes: dict[str, RaftNode] = {}
    ledgers: dict[str, Ledger] = {}

    async def start(name: str) -> None:
        transport = certificates.transport(name, election_s=1.0)
        transport._listen_on = ("127.0.0.1", ports[name])
        ledgers[name] = Ledger()
        nodes[name] = RaftNode(
            name=name,
            instance=f"{name}-i",
            directory=tmp_path / name,
            config=config,
            machine=ledgers[name],
            transport=transport,
            disk=disk,
            clock=SystemClock(),
            rng=random.Random(),
        )
        await nodes[name].start()

    for name in names:
        await RaftNode.bootstrap(tmp_path / name, disk, members, "c1")
        await start(name)
    acknowledged: list[bytes] = []
    for _ in range(2):
        await eventually(lambda: any(node.is_ready_leader for node in nodes.values()), within_s=10)
        leader = next(node for node in nodes.values() if node.is_ready_leader)
        proposer = Proposer(leader, seal)
        items = [b"%d" % (len(acknowledged) + number) for number in range(200)]
        results = await asyncio.gather(*(proposer.submit(item, timeout_s=10) for item in items))
        assert results == [b"done " + item for item in items]
        acknowledged += items
        await leader.stop()
        await start(leader.name)
    for node in nodes.values():
        await node.read_barrier(timeout_s=10)
    assert all([item for _, item in ledgers[name].items] == acknowledged for name in names)
    for node in nodes.values():
        await node.stop()
    await disk.close()


async def test_a_peer_with_an_address_that_is_none_is_no_defect(
    certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    one = Recorder(certificates.transport("m1"), "m1")
    await one.transport.start()
    with caplog.at_level(logging.WARNING, "okube.raft.transport"):
        one.transport.set_peers([Peer("m2", "m2-i", f"{'a' * 80}.b..c:1")])
        await eventually(lambda: any("cannot reach m2" in record.getMessage() for record in caplog.records))
    assert not one.transport._dialling["m2"].done()
    await one.transport.stop()
