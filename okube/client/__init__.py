"""The client of a cluster: ``connect`` and what it gives back. ``docs/client.md`` shows it at work.

What is named here is imported when it is first used, so that commands which need little of it start fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from okube.client.place import connect
    from okube.client.typed import Client, Deleted, Put, Snapshot
    from okube.model.errors import (
        Conflict,
        Forbidden,
        Gone,
        InvalidInput,
        NoQuorum,
        NotFound,
        OkubeError,
        OutcomeUnknown,
        SlowDown,
        Unauthorized,
        Unreachable,
    )
    from okube.model.manager_views import ManagerView, StatusView
    from okube.model.node_views import NodeView, UsageView
    from okube.model.spec import ServiceSpec
    from okube.model.views import EventView
    from okube.model.workload_views import ApplyAnswer, AppView, ServiceAnswer, ServiceView, TaskView

__all__ = [
    "AppView",
    "ApplyAnswer",
    "Client",
    "Conflict",
    "Deleted",
    "EventView",
    "Forbidden",
    "Gone",
    "InvalidInput",
    "ManagerView",
    "NoQuorum",
    "NodeView",
    "NotFound",
    "OkubeError",
    "OutcomeUnknown",
    "Put",
    "ServiceAnswer",
    "ServiceSpec",
    "ServiceView",
    "SlowDown",
    "Snapshot",
    "StatusView",
    "TaskView",
    "Unauthorized",
    "Unreachable",
    "UsageView",
    "connect",
]

_HOMES = {
    "okube.client.place": ("connect",),
    "okube.client.typed": ("Client", "Deleted", "Put", "Snapshot"),
    "okube.model.spec": ("ServiceSpec",),
    "okube.model.manager_views": ("ManagerView", "StatusView"),
    "okube.model.node_views": ("NodeView", "UsageView"),
    "okube.model.views": ("EventView",),
    "okube.model.workload_views": ("AppView", "ApplyAnswer", "ServiceAnswer", "ServiceView", "TaskView"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "okube.client.place" if name == "connect" else _HOME_OF.get(name, "okube.model.errors")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
