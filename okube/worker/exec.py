"""One session of ``okube.exec.v1`` between whoever is connected and a command in a container."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from okube.model.errors import Conflict, Malformed, OkubeError
from okube.model.exec import (
    CONTROL,
    MAX_FRAME,
    STDERR,
    STDIN,
    STDOUT,
    SUBPROTOCOL,
    Exit,
    ServerControl,
    control_frame,
    data_frame,
    read_client_control,
)
from okube.seams.keepalive import notice_the_dead
from okube.worker.runtime.base import CannotExec, ExecSession
from okube.worker.runtime.lines import Stream

__all__ = ["MAX_SESSIONS", "Sessions"]

logger = logging.getLogger(__name__)

MAX_SESSIONS = 64
_LEFT_CHECK_S = 1.0
_CLOSE_S = 2.0
_CHANNELS: dict[Stream, int] = {"stdout": STDOUT, "stderr": STDERR}


class Sessions:
    """The sessions of one agent: bounded in number, and each ends its command when its client is gone."""

    def __init__(self) -> None:
        self._open = 0

    async def serve(
        self, request: web.Request, start: Callable[[], Awaitable[ExecSession]], *, stdin: bool
    ) -> web.WebSocketResponse:
        """Start a command and carry its input and output until it has ended or the client has left.

        Raises:
            Malformed: the request is no WebSocket's of this protocol.
            OkubeError: nothing was started; the client can be told before the upgrade.
        """
        socket_ = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME, compress=False, timeout=_CLOSE_S
        )
        if not socket_.can_prepare(request).ok:
            raise Malformed(f"this takes a WebSocket of the protocol {SUBPROTOCOL}")
        if self._open >= MAX_SESSIONS:
            raise Conflict(f"{MAX_SESSIONS} commands run by exec on this node now, and no more are taken; end some")
        self._open += 1
        try:
            return await self._serve(request, socket_, start, stdin=stdin)
        finally:
            self._open -= 1

    async def _serve(
        self,
        request: web.Request,
        socket_: web.WebSocketResponse,
        start: Callable[[], Awaitable[ExecSession]],
        *,
        stdin: bool,
    ) -> web.WebSocketResponse:
        try:
            session = await start()
        except CannotExec as refused:
            await socket_.prepare(request)
            await _tell(socket_, ServerControl(error=refused.detail))
            await _tell(socket_, ServerControl(exit=Exit(refused.exit_code)))
            await _hang_up(socket_)
            return socket_
        try:
            await socket_.prepare(request)
            notice_the_dead(request.transport)
            await _carry(request, socket_, session, stdin=stdin)
        finally:
            await session.close()
            await _hang_up(socket_)
        return socket_


async def _carry(request: web.Request, socket_: web.WebSocketResponse, session: ExecSession, *, stdin: bool) -> None:
    """Both ways at once, until one of them is over."""
    ways = [
        asyncio.ensure_future(_outwards(socket_, session)),
        asyncio.ensure_future(_inwards(socket_, session, stdin=stdin)),
        asyncio.ensure_future(_until_left(request)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        outcomes = await asyncio.gather(*ways, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, OkubeError):
            await _tell(socket_, ServerControl(error=outcome.detail))
        elif isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
            raise outcome


async def _outwards(socket_: web.WebSocketResponse, session: ExecSession) -> None:
    """Output, then how it ended; ``send_bytes`` waits for a slow client, and so does the command."""
    while piece := await session.read():
        stream, data = piece
        await socket_.send_bytes(data_frame(_CHANNELS[stream], data))
    await _tell(socket_, ServerControl(exit=Exit(await session.wait())))


async def _inwards(socket_: web.WebSocketResponse, session: ExecSession, *, stdin: bool) -> None:
    """Input and requests; while the command does not read, nothing more is taken from the client."""
    async for message in socket_:
        if message.type is not WSMsgType.BINARY or not message.data:
            raise Malformed("frames of this protocol are binary and begin with their channel")
        channel, payload = message.data[0], message.data[1:]
        if channel == STDIN:
            if stdin:
                await session.write(payload)
        elif channel == CONTROL:
            control = read_client_control(payload)
            if control.resize is not None:
                await session.resize(control.resize.cols, control.resize.rows)
            if control.close_stdin:
                await session.close_stdin()
        else:
            raise Malformed(f"a client does not write to channel {channel}")


async def _until_left(request: web.Request) -> None:
    """Return when the connection is gone, also while nothing is read from it or written to it."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(_LEFT_CHECK_S)


async def _tell(socket_: web.WebSocketResponse, control: ServerControl) -> None:
    with suppress(ConnectionError, RuntimeError):  # whoever it was has left
        await socket_.send_bytes(control_frame(control))


async def _hang_up(socket_: web.WebSocketResponse) -> None:
    if socket_.prepared and not socket_.closed:
        with suppress(ConnectionError, RuntimeError):
            await socket_.close(code=WSCloseCode.OK)
