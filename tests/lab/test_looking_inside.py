"""Into a task through any manager: commands with a terminal, and what it uses, as an HTTP client meets them."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from okube.model.exec import (
    CONTROL,
    STDIN,
    STDOUT,
    SUBPROTOCOL,
    ClientControl,
    ExecRequest,
    Exit,
    ServerControl,
    Size,
    control_frame,
    data_frame,
    read_server_control,
)
from okube.security import ANY_MANAGER, client_context
from tests.lab.cluster import Cluster

# The HTTP client leaves the transport of an upgrade that was refused, or that it aborted, to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_SLEEPER = ("--", "sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")
Socket = aiohttp.ClientWebSocketResponse[bool]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("inside"), runtime="process", workers=1)
    try:
        made.up()
        made.ok("run", "--image", "host", "--name", "web", *_SLEEPER)
        yield made
    finally:
        made.destroy()


@pytest.fixture
async def session(cluster: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=client_context(cluster.data_dir / "admin"))
    async with aiohttp.ClientSession(connector=connector) as made:
        yield made
    gc.collect()  # here, where what is left to it is expected


async def test_a_command_runs_in_a_task_through_each_manager(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    for manager in cluster.managers:
        asked = ExecRequest(command=("sh", "-c", "read line; echo got $line; exit 9"), stdin=True)
        async with _exec(cluster, session, asked, manager=manager) as socket:
            await socket.send_bytes(data_frame(STDIN, b"it\n"))
            assert await _all(socket) == (b"got it\n", [ServerControl(exit=Exit(9))])


async def test_a_terminal_goes_through_a_manager(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    script = "stty size; trap 'stty size; exit 0' WINCH; while true; do sleep 0.05; done"
    asked = ExecRequest(command=("sh", "-c", script), tty=True, stdin=True, cols=100, rows=40)
    async with _exec(cluster, session, asked) as socket:
        assert await socket.receive_bytes() == data_frame(STDOUT, b"40 100\r\n")
        await asyncio.sleep(0.2)  # until the trap is set
        await socket.send_bytes(control_frame(ClientControl(resize=Size(90, 30))))
        assert await _all(socket) == (b"30 90\r\n", [ServerControl(exit=Exit(0))])


async def test_a_command_that_is_not_there_ends_as_in_a_shell(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    async with _exec(cluster, session, ExecRequest(command=("no-such-command",))) as socket:
        _, controls = await _all(socket)
    assert [control.exit for control in controls] == [None, Exit(127)]
    assert controls[0].error == 'there is no command "no-such-command" in the container'


async def test_a_task_that_is_not_there_or_does_not_run_is_a_problem_before_the_upgrade(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    cluster.ok("run", "--image", "host", "--name", "job", "--mode", "job", "--", "true")
    for task, status in (("web.7", 404), ("job.1", 409)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with _exec(cluster, session, ExecRequest(command=("ls",)), task=task):
                pass
        assert refused.value.status == status
    url = _url(cluster, "m1", "web.1")
    async with session.get(url, params={"cmd": "ls"}, server_hostname=ANY_MANAGER) as answer:
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["type"]) == (400, "urn:okube:error:malformed")
    with pytest.raises(aiohttp.WSServerHandshakeError) as foreign:
        async with _exec(cluster, session, ExecRequest(command=("ls",)), origin="https://www.example.com"):
            pass
    assert foreign.value.status == 403


async def test_usage_is_told_by_each_manager_and_those_who_do_not_answer_are_named(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    (task,) = cluster.tasks("web")
    for manager in cluster.managers:
        told = await _usage(cluster, session, manager)
        (node,) = told["nodes"]
        assert node["name"] == "w1"
        assert 0 < node["memory"] < node["memory_total"]
        assert 0 < node["disk"] < node["disk_total"]
        assert node["cores"] >= 1
        (used,) = told["tasks"]
        assert (used["id"], used["name"], used["service"], used["node"]) == (task["id"], "web.1", "web", "w1")
        assert used["memory"] > 0
        assert told["silent"] == []
    await asyncio.to_thread(cluster.signal, "w1", signal.SIGSTOP)
    try:
        told = await _usage(cluster, session, "m1")
    finally:
        await asyncio.to_thread(cluster.signal, "w1", signal.SIGCONT)
    assert (told["nodes"], told["tasks"], told["silent"]) == ([], [], ["w1"])


async def test_a_client_that_vanishes_ends_its_command(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    asked = ExecRequest(command=("sh", "-c", "echo $$; exec sleep 4321"), stdin=True)
    async with _exec(cluster, session, asked) as socket:
        pid = int((await socket.receive_bytes())[1:])
        assert _is_there(pid)
        socket._response.connection.transport.abort()  # type: ignore[union-attr]  # as a client that is killed
    await asyncio.to_thread(cluster.wait, lambda: not _is_there(pid), "the command is gone")


async def test_an_agent_that_dies_is_told_and_so_is_a_manager(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    asked = ExecRequest(command=("sh", "-c", "echo ready; sleep 1000"), stdin=True)
    async with _exec(cluster, session, asked, manager="m1") as one, _exec(cluster, session, asked, manager="m2") as two:
        assert await one.receive_bytes() == await two.receive_bytes() == data_frame(STDOUT, b"ready\n")
        await asyncio.to_thread(cluster.kill, "m2")
        assert await _all(two) == (b"", [])
        assert two.close_code != aiohttp.WSCloseCode.OK
        await asyncio.to_thread(cluster.signal, "w1", signal.SIGKILL)
        _, (control,) = await _all(one)
        assert control.exit is None
        assert "agent w1 left without saying how the command ended" in (control.error or "")
    await asyncio.to_thread(cluster.up)


async def _usage(cluster: Cluster, session: aiohttp.ClientSession, manager: str) -> Any:
    url = _url(cluster, manager, "").partition("/v1/")[0] + "/v1/usage?service=web"
    async with session.get(url, server_hostname=ANY_MANAGER) as answer:
        assert answer.status == 200
        return await answer.json()


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _url(cluster: Cluster, manager: str, task: str) -> str:
    (port,) = [m["port"] for m in cluster.described["managers"] if m["name"] == manager]
    return f"https://127.0.0.1:{port}/v1/tasks/{task}/exec"


@asynccontextmanager
async def _exec(
    cluster: Cluster,
    session: aiohttp.ClientSession,
    asked: ExecRequest,
    *,
    manager: str = "m1",
    task: str = "web.1",
    **more: Any,
) -> AsyncIterator[Socket]:
    async with (
        asyncio.timeout(60),
        session.ws_connect(
            _url(cluster, manager, task),
            params=asked.query(),
            protocols=(SUBPROTOCOL,),
            server_hostname=ANY_MANAGER,
            **more,
        ) as socket,
    ):
        yield socket


async def _all(socket: Socket) -> tuple[bytes, list[ServerControl]]:
    """The output and the controls until the end."""
    output, controls = b"", []
    with contextlib.suppress(ConnectionError):
        async for message in socket:
            if message.data[0] == CONTROL:
                controls.append(read_server_control(message.data[1:]))
            else:
                output += message.data[1:]
    return output, controls
