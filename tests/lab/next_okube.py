"""This Okube with one kind of command more, and a route for it: it stands for the next version.

``python -m tests.lab.next_okube manager --name m1`` runs it as ``okube manager --name m1`` runs this one.
"""

from typing import TYPE_CHECKING

import msgspec

from okube.model import versions
from okube.model.commands import kinds

if TYPE_CHECKING:  # nothing else of Okube may be loaded before it knows what is new
    from aiohttp import web

    from okube.state import Tables

__all__ = ["NEXT_VERSION", "RenameCluster", "become"]

NEXT_VERSION = versions.COMMAND_VERSION + 1


class RenameCluster(msgspec.Struct, frozen=True, array_like=True, tag="rename-cluster/1"):
    """Give the cluster another name: what the next version can do."""

    name: str


def become() -> None:
    """Know the new command, from the decoder to the API; before anything else of a manager is loaded."""
    versions.COMMAND_VERSION = NEXT_VERSION
    versions.KINDS_SINCE[RenameCluster] = NEXT_VERSION
    kinds.Command = kinds.Command | RenameCluster
    kinds._commands = msgspec.msgpack.Decoder(kinds.Command)
    from okube.manager.api import app
    from okube.state import machine

    machine._HANDLERS[RenameCluster] = _rename
    app.API_ROUTES = (*app.API_ROUTES, _routes())


def _rename(tables: "Tables", command: RenameCluster, now_ms: int) -> bytes:
    del now_ms
    tables.put_settings(msgspec.structs.replace(tables.settings, cluster=command.name))
    return msgspec.json.encode({"name": command.name})


def _routes() -> "web.RouteTableDef":
    from aiohttp import web

    from okube.manager.api.bodies import answer, json_object
    from okube.manager.api.forward import leader_only
    from okube.manager.api.writing import result_of, submit

    routes = web.RouteTableDef()

    @routes.post("/v1/cluster/name")
    @leader_only
    async def rename(request: web.Request) -> web.Response:
        applied = await submit(request, RenameCluster((await json_object(request))["name"]))  # type: ignore[arg-type]
        return answer(request, result_of(applied), revision=applied.revision)

    return routes


if __name__ == "__main__":
    become()
    from okube.cli.main import main

    main()
