"""The agent's API over real sockets."""

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest

from okube.manager.agents import HttpAgentCalls
from okube.model.epoch import Epoch
from okube.model.errors import Conflict, NotFound
from okube.model.exec import (
    CONTROL,
    NOT_FOUND,
    STDIN,
    STDOUT,
    ClientControl,
    ExecRequest,
    Exit,
    ServerControl,
    Size,
    control_frame,
    data_frame,
    read_server_control,
)
from okube.model.node import Node
from okube.model.wire import Assignment, AssignmentAnswer, LogLine, NodeUsage, TaskUsage
from okube.security import Identity, TlsFiles, client_context, server_context
from okube.security.issue import install
from okube.worker.exec import MAX_SESSIONS
from okube.worker.runtime.base import CannotExec, ExecSession, RuntimeUnavailable
from okube.worker.runtime.lines import Stream
from okube.worker.server import AgentServer
from tests.unit.security.conftest import CLUSTER_ID, Cluster
from tests.unit.worker.machine import a_task
from tests.unit.worker.manager_stub import ManagerStub

ASSIGNMENT = Assignment("w1", "i1", Epoch(1, 1), 5, None, (a_task(),))


class Echo:
    """A command that gives back its input, and ends with the number of bytes it got."""

    def __init__(self) -> None:
        self.output: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self.sizes: list[tuple[int, int]] = []
        self.taken = 0
        self.closed = asyncio.Event()

    async def read(self) -> tuple[Stream, bytes] | None:
        data = await self.output.get()
        return ("stdout", data) if data else None

    async def write(self, data: bytes) -> None:
        self.taken += len(data)
        await self.output.put(data)

    async def close_stdin(self) -> None:
        await self.output.put(b"")

    async def resize(self, cols: int, rows: int) -> None:
        self.sizes.append((cols, rows))

    async def wait(self) -> int:
        return self.taken

    async def close(self) -> None:
        self.closed.set()


class Agent:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.accepted: list[Assignment] = []
        self.answer = AssignmentAnswer(Epoch(1, 1), 5, accepted=True)
        self.asked: list[tuple[str, bool, int | None, int | None]] = []
        self.lines: asyncio.Queue[LogLine | None] = asyncio.Queue()
        self.error: Exception | None = None
        self.reader_left = asyncio.Event()
        self.execs: list[tuple[str, ExecRequest]] = []
        self.session = Echo()

    async def accept(self, assignment: Assignment) -> AssignmentAnswer:
        self.accepted.append(assignment)
        return self.answer

    async def logs(
        self, task_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        self.asked.append((task_id, follow, tail, since_ms))
        if self.error is not None:
            raise self.error
        try:
            while (line := await self.lines.get()) is not None:
                yield line
        finally:
            self.reader_left.set()

    async def exec(self, task_id: str, request: ExecRequest) -> ExecSession:
        self.execs.append((task_id, request))
        if self.error is not None:
            raise self.error
        return self.session

    async def measure(self) -> NodeUsage:
        return NodeUsage(1.5, 2, 3, 4.0, 5, 6, [TaskUsage("t1", 0.5, 7)])


class Place:
    """An agent's server, and a manager that calls it."""

    def __init__(self, tmp_path: Path) -> None:
        self.cluster = Cluster(tmp_path / "cluster")
        self.agent = Agent()
        self.manager = ManagerStub(self.cluster.party("manager", "m1", "127.0.0.1"), CLUSTER_ID)
        context = server_context(self.cluster.party("worker", "w1"), client_certificate="required")
        self.left: set[str] = set()
        self.server = AgentServer(
            self.agent, cluster_id=CLUSTER_ID, instance="i1", context=context, left=lambda: self.left
        )
        self.address = ""
        self.opened: list[asyncio.StreamWriter] = []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    async with made.manager:
        made.address = f"127.0.0.1:{await made.server.start('127.0.0.1', 0)}"
        yield made
        await made.server.close()
        for writer in made.opened:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def test_an_assignment_is_obeyed_and_answered(place: Place) -> None:
    assert await place.manager.assign(place.address, ASSIGNMENT) == (200, place.agent.answer)
    assert place.agent.accepted == [ASSIGNMENT]


async def test_a_refused_assignment_is_409_with_the_answer(place: Place) -> None:
    place.agent.answer = AssignmentAnswer(Epoch(1, 7), 0, accepted=False, message="deposed")
    assert await place.manager.assign(place.address, ASSIGNMENT) == (409, place.agent.answer)


async def test_what_is_no_assignment_is_400_with_a_sentence(place: Place) -> None:
    for body in (b"", b"{}", msgspec.msgpack.encode(["w1", "i1"])):
        status, answer = await place.manager.call("PUT", place.address, "/v1/assignment", body=body)
        assert status == 400
        assert "no assignment" in msgspec.json.decode(answer)["detail"]
    assert place.agent.accepted == []


async def test_a_body_beyond_the_bound_is_413(place: Place) -> None:
    status, answer = await place.manager.call("PUT", place.address, "/v1/assignment", body=bytes((64 << 20) + 1))
    assert status == 413
    assert "64 MiB" in msgspec.json.decode(answer)["detail"]


async def test_an_unknown_path_is_404_as_a_problem(place: Place) -> None:
    status, answer = await place.manager.call("GET", place.address, "/v1/nothing")
    assert (status, msgspec.json.decode(answer)["status"]) == (404, 404)


async def test_a_sign_of_life(place: Place) -> None:
    assert (await place.manager.call("GET", place.address, "/healthz"))[0] == 200


async def test_who_asks_for_one_tells_where_managers_are(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster")
    learned: list[Sequence[str]] = []

    async def learn(managers: Sequence[str]) -> None:
        learned.append(managers)

    context = server_context(cluster.party("worker", "w1"), client_certificate="required")
    server = AgentServer(Agent(), cluster_id=cluster.cluster_id, instance="i1", context=context, learn=learn)
    port = await server.start("127.0.0.1", 0)
    node = Node(name="w1", id="i1", address=f"127.0.0.1:{port}")
    managers = ("192.0.2.61:7101", "[2001:db8::62]:7101")
    calls = HttpAgentCalls(
        cluster.cluster_id, client_context(cluster.party("manager", "m1")), managers=lambda: managers
    )
    await calls.start()
    try:
        assert await calls.probe(node)
    finally:
        await calls.close()
        await server.close()
    assert learned == [list(managers)]


async def test_another_worker_is_refused(place: Place) -> None:
    async with ManagerStub(place.cluster.party("worker", "w2"), CLUSTER_ID) as worker:
        status, answer = await worker.call(
            "PUT", place.address, "/v1/assignment", body=msgspec.msgpack.encode(ASSIGNMENT)
        )
    assert status == 403
    assert "this is worker w2" in msgspec.json.decode(answer)["detail"]
    assert place.agent.accepted == []


async def test_another_worker_is_refused_before_it_asks_for_anything(place: Place) -> None:
    tls = client_context(place.cluster.party("worker", "w2"))
    host, _, port = place.address.rpartition(":")
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=tls, server_hostname=f"w1.worker.{CLUSTER_ID}.okube"
    )
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"this is worker w2" in answer
    writer.close()


async def test_an_agent_of_another_cluster_is_not_obeyed_by_a_manager_of_this_one(tmp_path: Path) -> None:
    made = Place(tmp_path)
    context = server_context(made.cluster.party("worker", "w1"), client_certificate="required")
    server = AgentServer(made.agent, cluster_id="z9z9z9z9z9z9", instance="i1", context=context)
    async with made.manager:
        address = f"127.0.0.1:{await server.start('127.0.0.1', 0)}"
        status, _ = await made.manager.call("GET", address, "/healthz")
        await server.close()
    assert status == 403


async def test_logs_come_as_lines_of_json(place: Place) -> None:
    lines = [LogLine(n, "stdout", f"line {n}") for n in range(3)]
    for line in [*lines, None]:
        place.agent.lines.put_nowait(line)
    status, body = await place.manager.call("GET", place.address, "/v1/tasks/t1/logs?tail=3&since=17&follow=false")
    assert status == 200
    assert [msgspec.json.decode(line, type=LogLine) for line in body.splitlines()] == lines
    assert place.agent.asked == [("t1", False, 3, 17)]


async def test_followed_logs_come_as_they_are_written_and_end_when_the_reader_leaves(place: Place) -> None:
    async with place.manager.stream(place.address, "/v1/tasks/t1/logs?follow=true") as response:
        for text in ("one", "two"):
            place.agent.lines.put_nowait(LogLine(1, "stderr", text))
            line = await asyncio.wait_for(response.content.readline(), 10)
            assert msgspec.json.decode(line, type=LogLine).text == text
        response.close()
    await asyncio.wait_for(place.agent.reader_left.wait(), 10)


async def test_followed_logs_are_answered_before_there_is_a_line(place: Place) -> None:
    async with asyncio.timeout(10), place.manager.stream(place.address, "/v1/tasks/t1/logs?follow=1") as response:
        assert response.status == 200
        assert response.content_type == "application/x-ndjson"


async def test_logs_of_nobody_are_404_and_of_a_silent_engine_503(place: Place) -> None:
    for error, expected in ((NotFound("no output of t1"), 404), (RuntimeUnavailable("the engine is silent"), 503)):
        place.agent.error = error
        status, body = await place.manager.call("GET", place.address, "/v1/tasks/t1/logs")
        assert (status, msgspec.json.decode(body)["detail"]) == (expected, str(error))


@pytest.mark.parametrize("query", ["tail=many", "tail=-1", "since=1.5", "follow=maybe", "tail=9" + "9" * 30])
async def test_a_wrong_query_is_400(place: Place, query: str) -> None:
    status, _ = await place.manager.call("GET", place.address, f"/v1/tasks/t1/logs?{query}")
    assert status == 400


async def test_a_defect_is_500_without_its_trace(place: Place) -> None:
    place.agent.error = RuntimeError("secret")
    status, body = await place.manager.call("GET", place.address, "/v1/tasks/t1/logs")
    assert status == 500
    assert b"secret" not in body


async def test_usage_is_told(place: Place) -> None:
    status, body = await place.manager.call("GET", place.address, "/v1/usage")
    assert (status, msgspec.json.decode(body, type=NodeUsage)) == (200, await place.agent.measure())


# Commands.


def _exec(
    place: Place, query: str = "cmd=cat&stdin=true"
) -> "contextlib.AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse[bool]]":
    return place.manager.socket(place.address, f"/v1/tasks/t1/exec?{query}")


async def _controls(socket: "aiohttp.ClientWebSocketResponse[bool]") -> list[ServerControl]:
    return [read_server_control(message.data[1:]) async for message in socket if message.data[0] == CONTROL]


async def test_input_and_output_of_a_command_go_through_a_socket(place: Place) -> None:
    async with _exec(place, "cmd=cat&cmd=-&tty=true&stdin=true&cols=100&rows=30") as socket:
        assert socket.protocol == "okube.exec.v1"
        await socket.send_bytes(control_frame(ClientControl(resize=Size(90, 20))))
        await socket.send_bytes(data_frame(STDIN, b"hello"))
        assert await socket.receive_bytes() == data_frame(STDOUT, b"hello")
        await socket.send_bytes(control_frame(ClientControl(close_stdin=True)))
        assert await _controls(socket) == [ServerControl(exit=Exit(5))]
    assert place.agent.execs == [
        ("t1", ExecRequest(command=("cat", "-"), tty=True, stdin=True, cols=100, rows=30)),
    ]
    assert place.agent.session.sizes == [(90, 20)]
    async with asyncio.timeout(10):
        await place.agent.session.closed.wait()


async def test_a_client_that_leaves_ends_the_command_also_while_that_reads_nothing(place: Place) -> None:
    async with _exec(place) as socket:
        for _ in range(3):
            await socket.send_bytes(data_frame(STDIN, b"x"))
        await socket.receive_bytes()
    async with asyncio.timeout(10):
        await place.agent.session.closed.wait()


async def test_a_client_that_does_not_read_holds_up_its_command_and_fills_no_memory(place: Place) -> None:
    sent = 0
    async with _exec(place) as socket:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while sent < 100 << 20:
                    await socket.send_bytes(data_frame(STDIN, bytes(60_000)))
                    sent += 60_000
        assert sent < 100 << 20


async def test_a_command_that_cannot_be_run_is_told_as_a_shell_does(place: Place) -> None:
    place.agent.error = CannotExec(NOT_FOUND, 'there is no command "cat" in the container')
    async with _exec(place) as socket:
        assert await _controls(socket) == [
            ServerControl(error='there is no command "cat" in the container'),
            ServerControl(exit=Exit(127)),
        ]


async def test_a_task_that_does_not_run_is_a_problem_before_the_upgrade(place: Place) -> None:
    place.agent.error = Conflict("task t1 does not run now")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with _exec(place):
            pass
    assert refused.value.status == 409
    assert refused.value.headers is not None
    assert refused.value.headers["Okube-Problem"] == "conflict%20task%20t1%20does%20not%20run%20now"
    status, body = await place.manager.call("GET", place.address, "/v1/tasks/t1/exec?cmd=ls")
    assert (status, msgspec.json.decode(body)["title"]) == (400, "malformed")
    status, body = await place.manager.call("GET", place.address, "/v1/tasks/t1/exec")
    assert (status, msgspec.json.decode(body)["title"]) == (422, "invalid")


@pytest.mark.parametrize("frame", [b"\x07hello", b"\x03{", b"\x01out"])
async def test_a_frame_that_makes_no_sense_ends_the_session_with_a_sentence(place: Place, frame: bytes) -> None:
    async with _exec(place) as socket:
        await socket.send_bytes(frame)
        (control,) = await _controls(socket)
        assert control.error
    async with asyncio.timeout(10):
        await place.agent.session.closed.wait()


async def test_the_number_of_sessions_is_bounded(place: Place) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MAX_SESSIONS):
            await stack.enter_async_context(_exec(place))
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stack.enter_async_context(_exec(place))
        assert refused.value.status == 409


async def connected(place: Place, left_s: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of a manager whose certificate, of a life of a thousand seconds, is good for so long still."""
    folder = place.cluster.files.data_dir / "ending"
    now_ms = time.time_ns() // 1_000_000 - round(1000 * (1000 - left_s))
    who = Identity(CLUSTER_ID, "manager", "m7", "i-m7")
    install(place.cluster.authority, who, TlsFiles(folder), now_ms=now_ms, life=timedelta(seconds=1000))
    host, _, port = place.address.rpartition(":")
    name = Identity(CLUSTER_ID, "worker", "w1").server_name
    reader, writer = await asyncio.open_connection(host, int(port), ssl=client_context(folder), server_hostname=name)
    place.opened.append(writer)
    return reader, writer


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: w1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    await reader.readexactly(int(length[1]))
    return head.decode()


async def test_who_asks_with_a_certificate_that_ends_soon_is_told_to_connect_anew(place: Place) -> None:
    reader, writer = await connected(place, 300)
    assert "Connection: close" not in await asked(reader, writer)
    assert "Connection: close" not in await asked(reader, writer)
    reader, writer = await connected(place, 40)
    assert "Connection: close" in await asked(reader, writer)
    assert await reader.read() == b""


async def test_a_connection_that_outlives_its_certificate_is_closed(place: Place) -> None:
    reader, _ = await connected(place, 2)
    assert await reader.read() == b""
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        reader, writer = await connected(place, 0)
        await asked(reader, writer)


async def test_a_manager_that_left_is_answered_no_more_and_what_it_has_open_ends(place: Place) -> None:
    reader, writer = await connected(place, 300)
    assert "200 OK" in await asked(reader, writer)
    place.left.add("i-m8")
    place.server.turn_out()
    assert "200 OK" in await asked(reader, writer)
    place.left.add("i-m7")
    assert "403" in await asked(reader, writer)
    place.server.turn_out()
    assert await reader.read() == b""
    reader, _ = await connected(place, 300)
    assert b"403" in await reader.readline()
