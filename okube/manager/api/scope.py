"""What is in sight of a caller who has some apps alone."""

from collections.abc import Callable
from typing import Any, NamedTuple

from aiohttp import web

from okube.manager.api.context import CALLER, CONTEXT
from okube.model.errors import Forbidden
from okube.model.event import Event
from okube.model.quota import Quota
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.task import Task
from okube.model.workload_views import AppView
from okube.state import Tables

__all__ = ["AppRow", "Sight", "apps_of", "check_app", "sight_of"]

Sight = Callable[[Any], bool]
"""Whether a row (of apps: a view) may be shown."""


class AppRow(NamedTuple):
    """An app as it is listed: it has no row of its own."""

    name: str
    services: list[Service]


def apps_of(request: web.Request) -> tuple[str, ...]:
    """The apps that the caller has; empty: all."""
    return request[CALLER].apps


def check_app(request: web.Request, app: str | None, what: str) -> None:
    """Refuse what is of an app that the caller has not.

    Args:
        request: whose caller it is.
        app: the app of what is asked for.
        what: what that is, for the sentence.

    Raises:
        Forbidden: and which apps the caller has.
    """
    caller = request[CALLER]
    if caller.apps and app not in caller.apps:
        raise Forbidden(f"{what} is {_of(app)}, and {caller.name} has {', '.join(caller.apps)} alone")


def sight_of(request: web.Request) -> Sight | None:
    """What of the tables the caller may see; None: all of it."""
    apps = frozenset(apps_of(request))
    if not apps:
        return None
    core = request.app[CONTEXT].core
    return lambda row: _app_of(core.tables, row) in apps


def _app_of(tables: Tables, row: Any) -> str | None:
    if isinstance(row, Service):
        return row.spec.app
    if isinstance(row, Task):
        return row.app
    if isinstance(row, AppView):
        return row.name
    if isinstance(row, AppRow):
        return row.name
    if isinstance(row, Secret):
        return row.app or None
    if isinstance(row, Quota):
        return row.name if row.kind == "app" else None
    if isinstance(row, Event) and row.service is not None:
        service = tables.service_named(row.service)
        return None if service is None else service.spec.app
    return None


def _of(app: str | None) -> str:
    return "of no app" if app is None else f"of app {app}"
