"""What the Tab key offers for arguments: names of the cluster, asked quickly and never loudly."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from okube.cli.session import Session

if TYPE_CHECKING:
    from okube.client.api import OkubeClient

__all__ = [
    "APPS",
    "CONFIGS",
    "MANAGERS",
    "NODES",
    "SECRETS",
    "SERVICES",
    "SERVICES_AND_TASKS",
    "TASKS",
    "Completer",
    "counts",
    "of_kind",
]

Completer = Callable[[click.Context, click.Parameter, str], list[str]]
_PATIENCE_S = 0.5
_Row = dict[str, Any]
_List = Callable[["OkubeClient"], list[_Row]]


def _services(client: "OkubeClient") -> list[_Row]:
    return client.services()


def _tasks(client: "OkubeClient") -> list[_Row]:
    return client.tasks()


def _nodes(client: "OkubeClient") -> list[_Row]:
    return client.nodes()


def _apps(client: "OkubeClient") -> list[_Row]:
    return [{"name": app} for app in sorted({str(s["app"]) for s in client.services() if s.get("app")})]


def _managers(client: "OkubeClient") -> list[_Row]:
    return client.managers()


def _secrets(client: "OkubeClient") -> list[_Row]:
    return client.secrets()


def _configs(client: "OkubeClient") -> list[_Row]:
    return client.secrets("config")


def _completer(*lists: _List, ending: str = "") -> Completer:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        taken = ctx.params.get(param.name or "") or ()
        names = [f"{name}{ending}" for name in _ask(ctx, lists) if name.startswith(incomplete) and name not in taken]
        return names

    return complete


def _ask(ctx: click.Context, lists: tuple[_List, ...]) -> list[str]:
    """The names that the managers know; none where nobody answers in time, or nothing says where the cluster is."""
    here = ctx.find_root().ensure_object(Session)
    try:
        here.stale = True  # any living manager will do
        client = here.client()
        client.hurry(_PATIENCE_S)
        return [str(row.get("name")) for one in lists for row in one(client)]
    except Exception:  # whatever it is, somebody is in the middle of typing
        return []
    finally:
        here.close()


SERVICES = _completer(_services)
TASKS = _completer(_tasks)
NODES = _completer(_nodes)
APPS = _completer(_apps)
MANAGERS = _completer(_managers)
SECRETS = _completer(_secrets)
CONFIGS = _completer(_configs)
SERVICES_AND_TASKS = _completer(_services, _tasks)
counts = _completer(_services, ending="=")
"""``web=``, to go on with a number."""

_BY_KIND = {
    "service": SERVICES,
    "task": TASKS,
    "node": NODES,
    "app": APPS,
    "manager": MANAGERS,
    "secret": SECRETS,
    "config": CONFIGS,
}


def of_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of the kind that was typed before."""
    complete = _BY_KIND.get(str(ctx.params.get("kind") or "").removesuffix("s"))
    return complete(ctx, param, incomplete) if complete else []
