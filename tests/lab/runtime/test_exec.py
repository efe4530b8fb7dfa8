"""Commands beside a task's own; each test runs on a real Docker Engine and on real processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from okube.model.errors import Conflict, NotFound
from okube.model.exec import ExecRequest
from okube.worker.runtime.base import CannotExec, Container, ExecSession, Runtime
from tests.lab.runtime.site import DockerSite, Site, ended, lines_of, running, until

FOREVER = "while true; do sleep 0.05; done"


async def test_a_command_says_its_output_its_errors_and_its_exit_code(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    async with _exec(runtime, container, "echo out; echo err >&2; exit 7") as session:
        assert await _output(session) == {"stdout": b"out\n", "stderr": b"err\n"}
        assert await session.wait() == 7
    async with _exec(runtime, container, "kill -9 $$") as session:
        assert await _output(session) == {}
        assert await session.wait() == 128 + 9


async def test_a_command_sees_the_tasks_environment_and_its_files(site: Site, runtime: Runtime) -> None:
    task = site.task(f"echo here > file; echo ready; {FOREVER}", env={"MODE": "live"})
    container = await running(runtime, task)
    await _until_line(runtime, container.id, "ready")
    async with _exec(runtime, container, "echo $MODE $OKUBE_TASK; cat file") as session:
        assert await _output(session) == {"stdout": f"live {task.id}\nhere\n".encode()}


async def test_input_is_read_to_its_end(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    async with _exec(runtime, container, "cat; echo over", stdin=True) as session:
        await session.write(b"one ")
        await session.write(b"two\n")
        await session.close_stdin()
        assert await _output(session) == {"stdout": b"one two\nover\n"}
        assert await session.wait() == 0
    async with _exec(runtime, container, "cat; echo over") as session:  # without input there is none
        assert await _output(session) == {"stdout": b"over\n"}


async def test_much_goes_in_and_out_whole(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    data = bytes(range(256)) * 8192
    async with _exec(runtime, container, "cat", stdin=True) as session:
        feeding = asyncio.create_task(_feed(session, data))
        assert (await _output(session))["stdout"] == data
        await feeding
        assert await session.wait() == 0


async def test_a_terminal_is_one_and_has_its_size(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    script = "test -t 0 && test -t 1 && test -t 2 && echo terminal $TERM; read line; echo got $line; exit 3"
    async with _exec(runtime, container, script, tty=True, stdin=True, cols=101, rows=33) as session:
        await session.write(b"hello\n")
        text = (await _output(session))["stdout"].decode()
        assert "terminal xterm" in text
        assert "got hello\r\n" in text
        assert await session.wait() == 3


async def test_a_terminal_is_resized_and_its_command_is_told(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    shown = "echo size $(busybox stty size < /dev/tty)" if isinstance(site, DockerSite) else "echo size $(stty size)"
    script = f"trap '{shown}' WINCH; {shown}; echo ready; {FOREVER}"
    async with _exec(runtime, container, script, tty=True, stdin=True, cols=101, rows=33) as session:
        seen = await _until_output(session, b"ready")
        await session.resize(77, 22)
        seen += await _until_output(session, b"size 22 77")
        assert b"size 22 77" in seen


async def test_ctrl_c_and_ctrl_d_do_what_they_do_at_a_terminal(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    async with _exec(runtime, container, "trap 'exit 42' INT; cat; exit 5", tty=True, stdin=True) as session:
        await session.write(b"hello\n")
        await _until_output(session, b"hello\r\nhello\r\n")  # the terminal's echo, and cat's: it runs
        await session.write(b"\x03")
        await _output(session)
        assert await session.wait() == 42
    async with _exec(runtime, container, "echo ready; cat; exit 5", tty=True, stdin=True) as session:
        await _until_output(session, b"ready")
        await session.close_stdin()
        await _output(session)
        assert await session.wait() == 5


@pytest.mark.parametrize("tty", [False, True])
async def test_a_session_that_is_closed_ends_its_command_and_what_that_started(
    site: Site, runtime: Runtime, tty: bool
) -> None:
    container = await running(runtime, site.task(FOREVER))
    script = "trap '' HUP; sleep 7654 & sleep 7653 & echo ready; wait"
    async with _exec(runtime, container, script, tty=tty, stdin=True) as session:
        await _until_output(session, b"ready")
        assert await _sleepers(runtime, container) == 2

    async def are_gone() -> bool:
        return await _sleepers(runtime, container) == 0

    await until(are_gone, "nothing of the session runs")
    assert await runtime.inspect(container.id) == container


async def test_a_command_that_nobody_reads_waits(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    async with _exec(runtime, container, "head -c 30000000 /dev/zero; echo over >&2") as session:
        await asyncio.sleep(0.5)
        output = await _output(session)
        assert len(output["stdout"]) == 30_000_000
        assert output["stderr"] == b"over\n"


async def test_a_command_ends_with_its_task(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    async with _exec(runtime, container, f"echo ready; {FOREVER}") as session:
        await _until_output(session, b"ready")
        await runtime.stop(container.id, signal="SIGKILL", grace_s=5)
        async with asyncio.timeout(30):
            await _output(session)
            assert await session.wait() == 128 + 9


@pytest.mark.parametrize(
    ("command", "code"), [("no-such-command", 127), ("/no/such/command", 127), ("/etc/passwd", 126)]
)
@pytest.mark.parametrize("tty", [False, True])
async def test_a_command_that_cannot_be_run_is_told_as_a_shell_does(
    site: Site, runtime: Runtime, command: str, code: int, tty: bool
) -> None:
    container = await running(runtime, site.task(FOREVER))
    with pytest.raises(CannotExec, match=f'"{command}"') as refused:
        await runtime.exec(container.id, ExecRequest(command=(command,), tty=tty))
    assert refused.value.exit_code == code


async def test_what_does_not_run_takes_no_command(site: Site, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("exit 0"))
    with pytest.raises(Conflict):
        await runtime.exec(container.id, ExecRequest(command=("true",)))
    await runtime.remove(container.id)
    with pytest.raises(NotFound, match="is gone from node w1"):
        await runtime.exec(container.id, ExecRequest(command=("true",)))


async def test_a_container_of_another_node_takes_no_command(site: Site, runtime: Runtime) -> None:
    other = await site.runtime(node="w2")
    theirs = await running(other, site.task(FOREVER))
    with pytest.raises(NotFound):
        await runtime.exec(theirs.id, ExecRequest(command=("true",)))
    assert await other.inspect(theirs.id) == theirs


@asynccontextmanager
async def _exec(runtime: Runtime, container: Container, script: str, **asked: Any) -> AsyncIterator[ExecSession]:
    session = await runtime.exec(container.id, ExecRequest(command=("sh", "-c", script), **asked))
    try:
        yield session
    finally:
        await session.close()


async def _feed(session: ExecSession, data: bytes) -> None:
    for start in range(0, len(data), 50_000):
        await session.write(data[start : start + 50_000])
    await session.close_stdin()


async def _output(session: ExecSession) -> dict[str, bytes]:
    """All that comes until the end of output."""
    parts: dict[str, bytearray] = {}
    async with asyncio.timeout(60):
        while piece := await session.read():
            parts.setdefault(piece[0], bytearray()).extend(piece[1])
    return {stream: bytes(data) for stream, data in parts.items()}


async def _until_output(session: ExecSession, text: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(30):
        while text not in seen:
            piece = await session.read()
            assert piece is not None, seen
            seen += piece[1]
    return seen


async def _sleepers(runtime: Runtime, container: Container) -> int:
    look = "for list in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $list; echo; done 2> /dev/null"
    async with _exec(runtime, container, look) as session:
        lines = (await _output(session)).get("stdout", b"").splitlines()
    return sum(line.startswith(b"sleep 765") for line in lines)


async def _until_line(runtime: Runtime, container_id: str, text: str) -> None:
    async def is_there() -> bool:
        return text in [line.text for line in await lines_of(runtime, container_id)]

    await until(is_there, f"{text!r} is in the log")
