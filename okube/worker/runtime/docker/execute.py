"""A command beside a container's own, over the engine's exec API: create, start on a connection of its own, inspect."""

import asyncio
import functools
import signal as signals
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError

from okube.model.exec import CANNOT_RUN, NOT_FOUND, ExecRequest
from okube.worker.runtime.base import CannotExec, RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient
from okube.worker.runtime.docker.refusals import exec_refused
from okube.worker.runtime.lines import Stream
from okube.worker.runtime.pids import Identity, identify, is_alive, signal_session

__all__ = ["DockerExec"]

_CHUNK = 64 << 10
_HEADER = 8
_LARGEST_FRAME = 8 << 20
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}
_LOOK_AGAIN_S = (0.01, 0.02, 0.05, 0.1, 0.25)
_HANG_UP_S = 2.0
_END_OF_INPUT = b"\x04"
_INTERRUPT = b"\x03"


class DockerExec:
    """One session; see `ExecSession`."""

    def __init__(
        self,
        client: EngineClient,
        exec_id: str,
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        tty: bool,
    ) -> None:
        self._client = client
        self._id = exec_id
        self._reader, self._writer = connection
        self._tty = tty
        self._leader: Identity | None = None
        self._frame: tuple[Stream, int] = ("stdout", 0)  # whose frame is read, and how much of it is left
        self._ended = False
        self._closed = False

    @classmethod
    async def begin(cls, client: EngineClient, container_id: str, request: ExecRequest) -> "DockerExec":
        """Start a command in a container.

        Raises:
            APIError: the engine refuses: the container does not run, is paused, or is gone.
            CannotExec: there is no such command, or it is no program.
        """
        exec_id = await client.call(lambda sdk: _create(sdk, container_id, request))
        connection = await client.hijack(f"/exec/{exec_id}/start", {"Detach": False, "Tty": request.tty})
        session = cls(client, exec_id, connection, tty=request.tty)
        try:
            await session._until_started(container_id, request.command[0])
            await session.resize(request.cols, request.rows)
        except BaseException:
            await session.close()
            raise
        return session

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of output."""
        try:
            if self._tty:
                data = await self._reader.read(_CHUNK)
                return ("stdout", data) if data else None
            return await self._read_frame()
        except (ConnectionError, asyncio.IncompleteReadError):
            return None

    async def write(self, data: bytes) -> None:
        """Give it input."""
        with suppress(ConnectionError, RuntimeError):  # it reads no more; RuntimeError: after the end of input
            self._writer.write(data)
            await self._writer.drain()

    async def close_stdin(self) -> None:
        """No more input."""
        if self._tty:
            await self.write(_END_OF_INPUT)
        elif self._writer.can_write_eof():
            with suppress(OSError):
                self._writer.write_eof()

    async def resize(self, cols: int, rows: int) -> None:
        """Set the size of its terminal."""
        if not self._tty:
            return
        with suppress(APIError):  # it has ended meanwhile
            await self._client.call(lambda sdk: sdk.exec_resize(self._id, height=rows, width=cols))

    async def wait(self) -> int:
        """Its exit code; the engine notes it a moment after the end of the output."""
        for pause_s in (*_LOOK_AGAIN_S, *(_LOOK_AGAIN_S[-1:] * 100)):
            state = await self._inspect()
            if not state["Running"] and state["ExitCode"] is not None:
                self._ended = True
                return int(state["ExitCode"])
            await asyncio.sleep(pause_s)
        raise RuntimeUnavailable("the engine does not say how the command ended: its output is over and it still runs")

    async def close(self) -> None:
        """End it if it runs, as far as it can be reached.

        The engine has no way to end it. Where its process is one of this machine, it gets its signals from the agent;
        else a terminal gets Ctrl-C and Ctrl-D, and others see that their input ends.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if not self._ended:
                await self._end()
        finally:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def _end(self) -> None:
        leader = self._leader
        if leader is None or not await self._signal(signals.SIGHUP):
            await self.write(_INTERRUPT + _END_OF_INPUT if self._tty else b"")
            return
        for _ in range(int(_HANG_UP_S / _LOOK_AGAIN_S[-1])):
            if not is_alive(leader):
                return
            await asyncio.sleep(_LOOK_AGAIN_S[-1])
        await self._signal(signals.SIGKILL)

    async def _signal(self, number: int) -> bool:
        leader = self._leader
        return leader is not None and await self._client.in_thread(lambda: signal_session(leader, number))

    async def _until_started(self, container_id: str, command: str) -> None:
        """The engine takes the connection over before it starts the command: what went wrong then is its output."""
        for pause_s in (*_LOOK_AGAIN_S, *(_LOOK_AGAIN_S[-1:] * 100)):
            state = await self._inspect()
            if state["Pid"]:
                look = functools.partial(_on_this_machine, int(state["Pid"]), container_id)
                self._leader = await self._client.in_thread(look)
                return
            if not state["Running"] and state["ExitCode"] is not None:
                raise await self._refusal(command, int(state["ExitCode"]))
            await asyncio.sleep(pause_s)
        raise RuntimeUnavailable(f'the engine does not start command "{command}"')

    async def _refusal(self, command: str, code: int) -> CannotExec:
        self._ended = True
        text = ""
        while piece := await self.read():
            text += piece[1].decode(errors="replace")
        missing, sentence = exec_refused(text, command)
        return CannotExec(NOT_FOUND if missing else code if code == NOT_FOUND else CANNOT_RUN, sentence)

    async def _inspect(self) -> dict[str, Any]:
        state: dict[str, Any] = await self._client.ask(lambda sdk: sdk.exec_inspect(self._id))
        return state

    async def _read_frame(self) -> tuple[Stream, bytes] | None:
        stream, left = self._frame
        while not left:
            header = await self._reader.readexactly(_HEADER)
            left = int.from_bytes(header[4:], "big")
            if header[0] not in _STREAMS or left > _LARGEST_FRAME:
                raise RuntimeUnavailable(f"the engine sent output that is none (header {header.hex()}); is it Docker?")
            stream = _STREAMS[header[0]]
        data = await self._reader.read(min(left, _CHUNK))
        self._frame = (stream, left - len(data))
        return (stream, data) if data else None


def _create(sdk: APIClient, container_id: str, request: ExecRequest) -> str:
    made = sdk.exec_create(container_id, list(request.command), stdin=request.stdin, tty=request.tty)
    exec_id: str = made["Id"]
    return exec_id


def _on_this_machine(pid: int, container_id: str) -> Identity | None:
    """The engine's process as one of ours, unless the engine runs elsewhere and the number is somebody else's here."""
    found = identify(pid)
    with suppress(OSError):
        if found is not None and container_id in Path(f"/proc/{pid}/cgroup").read_text():
            return found
    return None
