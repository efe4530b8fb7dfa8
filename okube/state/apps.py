"""Apps: sets of services that know each other. What is said of one is the sum over its services.

An app has no row of its own: it is there as long as a service names it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from okube.model.errors import NotFound
from okube.model.service import Service
from okube.model.workload_views import AppState, AppView
from okube.state.tables import Tables

__all__ = ["AppSums", "names_of_app", "view_of_app"]


class Share(NamedTuple):
    """What one service adds to its app, or all of them together."""

    services: int = 0
    stopped: int = 0
    undone: int = 0  # services that should run, and whose slots are not all done
    tasks: int = 0  # that have not ended
    ready: int = 0
    wanted: int = 0
    troubled: int = 0  # tasks that something stands in the way of


class AppSums:
    """Every app as it is now, kept as its services change."""

    def __init__(self) -> None:
        self._of_service: dict[str, tuple[str, str, Share]] = {}  # service id → app, name, what it adds
        self._totals: dict[str, Share] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._views: dict[str, AppView] = {}

    def app_of(self, service_id: str) -> str | None:
        """The app that a service counts for."""
        known = self._of_service.get(service_id)
        return None if known is None else known[0]

    def put(self, tables: Tables, service: Service) -> tuple[AppView | None, AppView | None]:
        """Count a service for its app, or anew; the app before and after, which are one where nothing changed."""
        app = service.spec.app
        if app is None:
            return None, None
        share = _share_of(tables, service)
        known = self._of_service.get(service.id)
        if known is not None and known[2] == share:
            return None, None
        self._of_service[service.id] = (app, service.name, share)
        total = self._totals.get(app, Share())
        if known is None:
            self._names[app] = tuple(sorted((*self._names.get(app, ()), service.name)))
        else:
            total = _add(total, known[2], -1)
        self._totals[app] = _add(total, share)
        return self._changed(app)

    def remove(self, service_id: str) -> tuple[AppView | None, AppView | None]:
        """Count a service no longer; the app before and after."""
        known = self._of_service.pop(service_id, None)
        if known is None:
            return None, None
        app, name, share = known
        self._totals[app] = _add(self._totals[app], share, -1)
        self._names[app] = tuple(one for one in self._names[app] if one != name)
        return self._changed(app)

    def _changed(self, app: str) -> tuple[AppView | None, AppView | None]:
        before = self._views.pop(app, None)
        if not self._names[app]:
            del self._names[app], self._totals[app]
            return before, None
        after = self._views[app] = _app_view(app, self._names[app], self._totals[app])
        return (before, before) if before == after else (before, after)


def _share_of(tables: Tables, service: Service) -> Share:
    """What a service adds to its app."""
    sums = tables.sums_of(service)
    progress = tables.progress[service.id]
    undone = not service.stopped and sums.done < sums.total
    return Share(1, service.stopped, undone, progress.active, sums.running, sums.total, progress.troubled)


def _add(one: Share, other: Share, sign: int = 1) -> Share:
    """Both together, or with sign -1 the one without the other."""
    return Share(
        one.services + sign * other.services,
        one.stopped + sign * other.stopped,
        one.undone + sign * other.undone,
        one.tasks + sign * other.tasks,
        one.ready + sign * other.ready,
        one.wanted + sign * other.wanted,
        one.troubled + sign * other.troubled,
    )


def names_of_app(tables: Tables, app: str) -> list[str]:
    """The names of an app's services, sorted.

    Raises:
        NotFound: it has none.
    """
    names = sorted(service.name for service in tables.services.values() if service.spec.app == app)
    if not names:
        raise NotFound(f"there is no app {app}")
    return names


def view_of_app(tables: Tables, app: str, services: Iterable[Service]) -> AppView:
    """An app that has these services."""
    total = Share()
    names = []
    for service in services:
        total = _add(total, _share_of(tables, service))
        names.append(service.name)
    return _app_view(app, tuple(sorted(names)), total)


def _app_view(app: str, services: tuple[str, ...], total: Share) -> AppView:
    """An app from its sums."""
    return AppView(
        name=app,
        services=services,
        tasks=total.tasks,
        ready=total.ready,
        wanted=total.wanted,
        state=_state_of(total),
    )


def _state_of(total: Share) -> AppState:
    """What people want to know of an app at a glance.

    It is ``partial`` where not all of it is there, and not because it is on its way: a part is stopped, or a task fits
    nowhere, backs off, restarts, or is on a node that is down.
    """
    if total.stopped == total.services:
        return "stopping" if total.tasks else "stopped"
    if total.undone:
        return "partial" if total.troubled else "deploying"
    return "partial" if total.stopped else "running"
