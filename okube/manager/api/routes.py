"""The table of routes: everything that a manager answers, once, for the reference, for checks and for metrics."""

from okube.manager.api.authority_routes import AUTHORITY
from okube.manager.api.control_routes import CONTROL_PLANE
from okube.manager.api.foresight_routes import FORESIGHT
from okube.manager.api.internal_routes import AGENTS, AGENTS_VALUES, PEERS
from okube.manager.api.join_routes import JOINING
from okube.manager.api.keyring_routes import KEYRING
from okube.manager.api.net_routes import NET
from okube.manager.api.node_routes import EVENTS, NODES, USAGE
from okube.manager.api.quota_routes import QUOTAS
from okube.manager.api.route import Route
from okube.manager.api.scheduling_routes import SCHEDULER
from okube.manager.api.secret_routes import SECRETS
from okube.manager.api.snapshot_routes import RECOVERY, SNAPSHOTS
from okube.manager.api.user_routes import AUDIT, USERS
from okube.manager.api.workload_routes import APPS, SERVICES, TASKS

__all__ = ["ROUTES", "route_of"]

ROUTES: tuple[Route, ...] = (
    *SERVICES,
    *APPS,
    *TASKS,
    *FORESIGHT,
    *NODES,
    *SECRETS,
    *KEYRING,
    *EVENTS,
    *USAGE,
    *NET,
    *USERS,
    *AUDIT,
    *CONTROL_PLANE,
    *SCHEDULER,
    *QUOTAS,
    *AUTHORITY,
    *SNAPSHOTS,
    *RECOVERY,
    *JOINING,
    *AGENTS,
    *AGENTS_VALUES,
    *PEERS,
)

_BY_PLACE: dict[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}


def route_of(method: str, path: str) -> Route | None:
    """The route of a method and a path as the table writes it (``/v1/services/{name}``)."""
    return _BY_PLACE.get(("GET" if method == "HEAD" else method, path))
