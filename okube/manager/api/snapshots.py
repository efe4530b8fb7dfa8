"""Routes about saved snapshots: one of this moment, and those that managers keep."""

import asyncio
import contextlib

import aiohttp
import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer
from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.reading import tables_to_read
from okube.model.archive import pack_end, pack_head, pack_part
from okube.model.errors import UNREADABLE
from okube.model.manager_views import SnapshotView
from okube.raft import Member
from okube.security import server_name

__all__ = ["routes"]

routes = web.RouteTableDef()
_STUCK_S = 30.0
_PEER_TIMEOUT_S = 2.0
_views = msgspec.json.Decoder(list[SnapshotView])


@routes.get("/v1/snapshot")
async def save(request: web.Request) -> web.StreamResponse:
    """The whole state of this moment, as one file."""
    await tables_to_read(request)
    if request.method == "HEAD":
        return web.Response(content_type="application/octet-stream")
    taken = await request.app[CONTEXT].keeper.take("saved")
    response = web.StreamResponse(
        headers={"Content-Type": "application/octet-stream", "Okube-Revision": str(taken.head.revision)}
    )
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # the reader is gone
        await _write(request, response, pack_head(taken.head))
        for piece in taken.pieces:
            await _write(request, response, await asyncio.to_thread(pack_part, piece))
        await _write(request, response, pack_end(taken.pieces))
    return response


@routes.get("/v1/snapshots")
async def kept(request: web.Request) -> web.Response:
    """What all managers keep, the newest first; those of one that does not answer are left out."""
    context = request.app[CONTEXT]
    members = sorted(context.core.raft.members, key=lambda member: member.name)
    found = await asyncio.gather(*(_kept_by(context, member) for member in members))
    return answer(request, sorted((view for views in found for view in views), key=_age, reverse=True))


@routes.get("/v1/snapshots/own")
async def own(request: web.Request) -> web.Response:
    """What this manager keeps; managers ask each other."""
    return answer(request, await request.app[CONTEXT].keeper.views())


def _age(view: SnapshotView) -> tuple[str, str]:
    return (view.taken_at, view.manager)


async def _kept_by(context: Context, member: Member) -> list[SnapshotView]:
    if member.name == context.core.name:
        return await context.keeper.views()
    try:
        async with context.peers.get(
            f"https://{member.api_address}/v1/snapshots/own",
            timeout=aiohttp.ClientTimeout(total=_PEER_TIMEOUT_S, sock_connect=0.5),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
        ) as response:
            if response.status == 200:
                return _views.decode(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
        pass
    return []


async def _write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    try:
        async with asyncio.timeout(_STUCK_S):
            await response.write(data)
    except TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the reader of a snapshot takes nothing any more") from error
