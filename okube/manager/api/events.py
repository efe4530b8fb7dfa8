"""Routes about events: what happened in the cluster."""

from aiohttp import web

from okube.manager.api.bodies import query_number
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.watch import is_watch, watch
from okube.manager.watch import Wanted
from okube.model.errors import FieldError, InvalidInput
from okube.model.event import EVENT_KINDS, EVENT_LEVELS, Event
from okube.model.shown import event_view
from okube.state.tables import Row

__all__ = ["routes"]

routes = web.RouteTableDef()
_REVISION_DIGITS = 18


@routes.get("/v1/events")
async def list_events(request: web.Request) -> web.StreamResponse:
    """Events, newest last, from after ``since``; filters ``kind``, ``level``, ``service``, ``node``, ``subject``."""
    tables = await tables_to_read(request)
    wanted = _wanted(request)
    if is_watch(request):
        return await watch(request, "events", wanted)
    since = query_number(request, "since", default=0, low=0, high=10**_REVISION_DIGITS - 1)
    after = page_start(request)
    rows = ((_key(event), event) for event in tables.events.rows() if event.revision > since)
    return await answer_list(request, ((key, e) for key, e in rows if key > after), wanted, event_view)


def _key(event: Event) -> str:
    return f"{event.revision:0{_REVISION_DIGITS}}"


def _wanted(request: web.Request) -> Wanted:
    """Whether an event passes the request's filters; ``kind`` and ``level`` may be given several times."""
    query = request.query
    kinds = _known(request, "kind", EVENT_KINDS)
    levels = _known(request, "level", EVENT_LEVELS)

    def wanted(event: Row) -> bool:
        return isinstance(event, Event) and (
            (not kinds or event.kind in kinds)
            and (not levels or event.level in levels)
            and query.get("service", event.service) == event.service
            and query.get("node", event.node) == event.node
            and query.get("subject", event.subject) == event.subject
        )

    return wanted


def _known(request: web.Request, name: str, allowed: frozenset[str]) -> frozenset[str]:
    given = frozenset(request.query.getall(name, []))
    errors = [
        FieldError(name, f"{text!r} is not one of {', '.join(sorted(allowed))}") for text in sorted(given - allowed)
    ]
    if errors:
        raise InvalidInput.of(errors, what="query")
    return given
