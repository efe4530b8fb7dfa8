"""How a handler reads: linearizable by default, at any manager; local and with its age where the client takes stale."""

from aiohttp import web

from okube.manager.api.bodies import query_flag
from okube.manager.api.context import CONTEXT, STALE
from okube.manager.api.identify import check_still_valid
from okube.state import Tables

__all__ = ["mark_stale", "tables_to_read"]


async def tables_to_read(request: web.Request) -> Tables:
    """The tables, once they are as new as this request (or at once with ``?stale=true``).

    Raises:
        NoQuorum: no majority confirms in time.
    """
    core = request.app[CONTEXT].core
    if query_flag(request, "stale"):
        request[STALE] = True
    else:
        await core.read_barrier()
        check_still_valid(request)
    return core.tables


async def mark_stale(request: web.Request, response: web.StreamResponse) -> None:
    """Say how old a stale answer is: seconds since this manager last heard a leader or led (nothing: never)."""
    if request.get(STALE):
        age_s = request.app[CONTEXT].core.age_s
        if age_s is not None:
            response.headers["Okube-Age"] = f"{age_s:.1f}"
