"""A heartbeat may go a short way; whatever is not plain goes the usual one, and nobody can tell which it was."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from okube.manager import intake
from okube.manager.api.beating import BeatingConnection
from okube.manager.api.shortway import ShortWay, body_of
from okube.manager.gathering import Beat, Gatherer
from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.wire import BeatsQuestion, Heartbeat, HeartbeatAnswer
from okube.raft import Member
from okube.security import Identity
from tests.unit.manager.conftest import Api
from tests.unit.manager.test_intake import REGISTRATION, _enabled

LINE = b"POST /v1/agents/w1/heartbeat HTTP/1.1\r\n"
W1 = Identity("c1", "worker", "w1", "i1")
CERTIFICATE = {
    "subject": ((("organizationName", "c1"),), (("organizationalUnitName", "worker"),), (("commonName", "w1"),)),
    "subjectAltName": (("URI", "okube:instance:i1"),),
}


def request(body: bytes, *headers: bytes, line: bytes = LINE, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    named = (b"Host: 192.0.2.1:7101", b"Content-Type: application/msgpack", b"Content-Length: %d" % size, *headers)
    return line + b"".join(header + b"\r\n" for header in named) + b"\r\n" + body


def beat(sequence: int = 1, *, node: str = "w1", instance: str = "i1", reports: Sequence[c.TaskReport] = ()) -> bytes:
    said = Heartbeat(
        node=node,
        instance=instance,
        epoch=Epoch(),
        revision=0,
        reports=tuple(reports),
        run="r1",
        sequence=sequence,
    )
    return msgspec.msgpack.encode(said)


@given(st.binary(max_size=3000))
def test_the_body_of_a_plain_request_is_found_byte_for_byte(body: bytes) -> None:
    assert body_of(request(body), LINE) == body


@given(st.binary(max_size=60), st.integers(0, 400))
def test_a_part_of_a_request_is_no_request(body: bytes, cut: int) -> None:
    whole = request(body)
    assert body_of(whole[: min(cut, len(whole) - 1)], LINE) is None


@pytest.mark.parametrize(
    "data",
    [
        request(b"x", b"Connection: close"),
        request(b"x", b"Transfer-Encoding: chunked"),
        request(b"x", b"Expect: 100-continue"),
        request(b"x", b"Authorization: Bearer t"),
        request(b"x", b"Content-Length: 1"),
        request(b"x", b"no header"),
        request(b"xyz", length=1),
        request(b"x", length=2),
        request(b"x", line=b"POST /v1/agents/w2/heartbeat HTTP/1.1\r\n"),
        request(b"x", line=b"POST /v1/agents/w1/register HTTP/1.1\r\n"),
        request(b"x", b"User-Agent: " + b"a" * 3000),
        LINE + b"Host: a\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_not_taken(data: bytes) -> None:
    assert body_of(data, LINE) is None


async def _nobody(member: Member, beats: Sequence[Beat]) -> list[bytes | None]:
    raise AssertionError("this manager leads")


def short_way(api: Api) -> ShortWay:
    return ShortWay(api.core, lambda: api.reign.leader, Gatherer(api.core, _nobody))


async def registered(api: Api) -> ShortWay:
    await _enabled(api)
    assert (await intake.register(api.core, api.reign.leader, REGISTRATION)).accepted
    return short_way(api)


async def test_the_leader_answers_at_once_as_it_would_by_the_usual_way(api: Api) -> None:
    way = await registered(api)
    answer = way.answer(W1, beat(1))
    assert isinstance(answer, bytes)
    usual = await intake.heartbeat(api.core, api.reign.leader, msgspec.msgpack.decode(beat(2), type=Heartbeat))
    assert msgspec.msgpack.decode(answer, type=HeartbeatAnswer) == usual


@pytest.mark.parametrize(
    ("who", "data"),
    [
        (W1, b"\xc1"),
        (W1, beat(1, node="w2")),
        (W1, beat(1, instance="i2")),
        (Identity("c1", "worker", "w1", "i9"), beat(1)),
        (W1, beat(1, reports=[c.TaskReport("t1", "running")])),
    ],
)
async def test_what_changes_the_state_or_is_refused_goes_the_usual_way(api: Api, who: Identity, data: bytes) -> None:
    way = await registered(api)
    assert way.answer(who, data) is None


async def test_a_node_that_is_not_known_or_of_another_run_goes_the_usual_way(api: Api) -> None:
    await _enabled(api)
    assert short_way(api).answer(W1, beat(1)) is None
    way = await registered(api)
    assert way.answer(W1, beat(5)) is not None
    assert way.answer(W1, beat(4)) is None, "it was held up on its way"


def test_only_agents_of_the_cluster_go_the_short_way(api: Api) -> None:
    way = short_way(api)
    assert way.first_line(W1) == LINE
    for other in (None, Identity("c2", "worker", "w1"), Identity("c1", "manager", "m1"), Identity("c1", "user", "w1")):
        assert way.first_line(other) is None


async def test_gathered_heartbeats_are_answered_each_as_if_it_came_by_itself(api: Api) -> None:
    await registered(api)
    leader = api.reign.leader
    assert leader is not None
    await api.core.submit(c.PutServices((), (), "create"))
    beats = tuple(
        msgspec.msgpack.decode(data, type=Heartbeat)
        for data in (beat(1), beat(1, node="w9", instance="i9"), beat(2), beat(1), beat(3))
    )
    answers = (await intake.together(api.core, leader, BeatsQuestion(("i1", "i9", "i1", "i1", "i2"), beats))).answers
    assert [None if answer is None else answer.known for answer in answers] == [True, False, True, None, None]


class Wire:
    """A transport that notes what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.more = asyncio.Event()

    def get_extra_info(self, name: str) -> Any:
        return CERTIFICATE if name == "peercert" else None

    def write(self, data: bytes) -> None:
        self.written += bytes(data)
        self.more.set()

    def writelines(self, parts: Sequence[bytes]) -> None:
        self.write(b"".join(bytes(part) for part in parts))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Later(ShortWay):
    """Every heartbeat is answered when the test says so."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.core, lambda: None, Gatherer(api.core, _nobody))
        self.asked: list[asyncio.Future[bytes | None]] = []

    def answer(self, identity: Identity, data: bytes) -> "bytes | asyncio.Future[bytes | None] | None":
        self.asked.append(asyncio.get_running_loop().create_future())
        return self.asked[-1]


async def _usual(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"usual {request.path} {(await request.read()).decode()}")


def connection(way: ShortWay) -> tuple[BeatingConnection, Wire]:
    made = BeatingConnection(web.Server(_usual), way, head_s=10.0, loop=asyncio.get_running_loop(), access_log=None)
    wire = Wire()
    made.connection_made(wire)  # type: ignore[arg-type]  # it is one as far as it is used
    return made, wire


async def written(wire: Wire, text: bytes) -> None:
    async with asyncio.timeout(10):
        while text not in wire.written:
            wire.more.clear()
            await wire.more.wait()


async def test_what_comes_behind_a_heartbeat_is_answered_after_it(api: Api) -> None:
    way = Later(api)
    line, wire = connection(way)
    line.data_received(request(b"first"))
    line.data_received(request(b"other", line=b"POST /other HTTP/1.1\r\n"))
    await asyncio.sleep(0)
    assert wire.written == b""
    way.asked[0].set_result(b"answer")
    await written(wire, b"usual /other other")
    assert wire.written.startswith(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nContent-Length: 6\r\n\r\nanswer"
    )
    line.connection_lost(None)


async def test_who_sends_on_and_on_without_waiting_is_hung_up_on(api: Api) -> None:
    line, wire = connection(Later(api))
    line.data_received(request(b"first"))
    line.data_received(b"x" * (1 << 20))
    before = wire.closed
    line.data_received(b"x")
    assert (before, wire.closed) == (False, True)
    line.connection_lost(None)


async def test_one_that_turns_out_not_to_be_plain_goes_the_usual_way_after_all(api: Api) -> None:
    way = Later(api)
    line, wire = connection(way)
    line.data_received(request(b"beat"))
    way.asked[0].set_result(None)
    await written(wire, b"usual /v1/agents/w1/heartbeat beat")
    line.connection_lost(None)


async def test_a_request_that_came_in_parts_is_not_cut_by_a_heartbeat(api: Api) -> None:
    way = Later(api)
    line, wire = connection(way)
    whole = request(b"beat", line=b"POST /parts HTTP/1.1\r\n")
    line.data_received(whole[:30])
    line.data_received(whole[30:])
    await written(wire, b"usual /parts beat")
    assert not way.asked
    line.data_received(request(b"beat"))
    assert len(way.asked) == 1
    line.connection_lost(None)
    assert way.asked[0].cancelled()
