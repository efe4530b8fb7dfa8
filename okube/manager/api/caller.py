"""Who makes a request, and whether a route is for them. Pure."""

from typing import Literal

import msgspec

from okube.manager.api.route import Route
from okube.model.errors import Forbidden
from okube.model.user import BREAK_GLASS, RANKS, User, UserRole

__all__ = ["Caller", "Kind", "admin", "authorize", "of_user", "peer"]

Kind = Literal["admin", "user", "worker", "manager"]


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose credentials are believed.

    ``admin`` is who holds what ``okube up`` left. ``instance`` is that of a user's credentials, or of an agent's or
    manager's folder; empty where a certificate does not name it. ``apps`` empty: all.
    """

    kind: Kind
    name: str
    role: UserRole | None = None  # of people
    apps: tuple[str, ...] = ()
    instance: str = ""
    expires_ms: int | None = None

    @property
    def is_person(self) -> bool:
        """Whether it is none of the cluster's own processes: those are not slowed down."""
        return self.role is not None

    @property
    def forwarded_for(self) -> str:
        """How a manager tells another one in whose name it asks."""
        return f"{self.kind}/{self.name}" + (f"/{self.instance}" if self.kind == "user" else "")


def admin(name: str = BREAK_GLASS) -> Caller:
    """Who holds the credentials that ``okube up`` left."""
    return Caller("admin", name, "admin")


def of_user(user: User) -> Caller:
    """A user of the table."""
    return Caller("user", user.name, user.role, user.apps, user.instance, user.expires_ms)


def peer(kind: Literal["worker", "manager"], name: str, instance: str = "") -> Caller:
    """One of the cluster's own processes."""
    return Caller(kind, name, instance=instance)


def authorize(caller: Caller, route: Route | None, *, node: str | None) -> None:
    """Refuse what is not for the caller.

    Args:
        caller: who asks.
        route: what is asked for; None where there is no such path or method, which all but agents may be told.
        node: whom a path below ``/v1/agents`` speaks for.

    Raises:
        Forbidden: with who may.
    """
    if caller.kind == "worker":
        if route is None or route.role not in ("worker", "anyone") or (route.role == "worker" and node != caller.name):
            raise Forbidden(f"{caller.name} is a worker: it may speak for itself under /v1/agents/ and nothing else")
        return
    if route is None or route.role == "anyone":
        return
    if route.role == "worker":
        raise Forbidden("this is for agents")
    if caller.kind == "manager":
        return
    if route.role == "manager":
        raise Forbidden("this is for managers")
    assert caller.role is not None
    if RANKS[caller.role] < RANKS[route.role]:
        raise Forbidden(f"{caller.name} is {_a(caller.role)}, and this takes {_a(route.role)}")
    if caller.apps and route.scope == "cluster":
        raise Forbidden(f"{caller.name} has {_apps(caller.apps)} alone, and this is about the whole cluster")


def _a(role: str) -> str:
    return f"a {role}" if role == "viewer" else f"an {role}"


def _apps(apps: tuple[str, ...]) -> str:
    return f"the app{'' if len(apps) == 1 else 's'} {', '.join(apps)}"
