"""The extender over HTTP."""

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from aiohttp import web

from okube.kube.extender import Extender
from okube.kube.protocol import Args

__all__ = ["make_app", "serving"]

_log = logging.getLogger(__name__)
_MOST_BYTES = 256 << 20  # 5,000 whole nodes are some 30 MB
_AS_ARGS = msgspec.json.Decoder(Args)
_ENCODER = msgspec.json.Encoder()
_NOT_SERVED = "this extender filters and prioritizes; take {verb} out of the scheduler's configuration"
Answer = TypeVar("Answer")


def make_app(extender: Extender, ready: Callable[[], str] = str) -> web.Application:
    """The routes. ``ready`` says why the extender is not ready to answer yet, and nothing where it is.

    An extender that does not know yet what runs where answers 503: a pod placed in ignorance stays where it is.
    """

    def answering(answer: Callable[[Args], Answer]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if why := ready():
                return web.Response(status=503, text=why)
            try:
                args = _AS_ARGS.decode(await request.read())
            except msgspec.DecodeError as error:
                return web.Response(status=400, text=f"the body is not what kube-scheduler sends: {error}")
            return web.Response(body=_ENCODER.encode(answer(args)), content_type="application/json")

        return handle

    async def healthz(request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok")

    async def readyz(request: web.Request) -> web.Response:
        del request
        why = ready()
        return web.Response(status=503 if why else 200, text=why or "ok")

    verbs = {"filter": answering(extender.filter), "prioritize": answering(extender.prioritize)}

    async def dispatch(request: web.Request) -> web.Response:
        """By the last word of the path: what stands before it is the scheduler's ``urlPrefix``."""
        verb = request.path.rpartition("/")[2]
        if verb not in verbs:
            return web.Response(status=404, text=_NOT_SERVED.format(verb=f"{verb}Verb"))
        return await verbs[verb](request)

    app = web.Application(client_max_size=_MOST_BYTES)
    app.add_routes(
        [web.post("/{path:.*}", dispatch), web.get("/healthz", healthz), web.get("/readyz", readyz)],
    )
    return app


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serve until the end of the block; gives the address, for a port of 0 becomes a free one.

    Raises:
        OSError: the address cannot be taken.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        address = runner.addresses[0]
        _log.info("answering on %s:%d", address[0], address[1])
        yield address[0], address[1]
    finally:
        await runner.cleanup()
