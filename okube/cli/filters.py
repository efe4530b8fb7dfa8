"""Filters of lists: those that managers heed go into the query, the others are heeded here."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import click

from okube.client.api import OkubeClient

__all__ = ["Names", "label_pairs", "labels_option", "query_of", "resource_counts"]

Row = dict[str, Any]
_FRESH_S = 1.0

labels_option = click.option("--label", "labels", multiple=True, metavar="K=V", help="Only with this label.")


def label_pairs(labels: Iterable[str]) -> dict[str, str]:
    """``team=web`` and the like.

    Raises:
        click.UsageError: one is no such text.
    """
    made = {}
    for label in labels:
        key, equals, value = label.partition("=")
        if not equals:
            raise click.UsageError(f"--label {label!r} is no label: write KEY=VALUE")
        made[key] = value
    return made


def resource_counts(texts: Iterable[str]) -> dict[str, int]:
    """``gpu=2`` and the like.

    Raises:
        click.UsageError: one is no such text.
    """
    made = {}
    for text in texts:
        name, _, count = text.partition("=")
        if not (name and count.isdecimal() and int(count)):
            raise click.UsageError(f"--resource {text!r} is no amount: write NAME=N with a whole number, such as gpu=2")
        made[name] = int(count)
    return made


def query_of(**given: str | bool | Sequence[str] | None) -> list[tuple[str, str]]:
    """The query of a list; what is None, false or empty is left out, and what holds several is given several times."""
    query: list[tuple[str, str]] = []
    for key, value in given.items():
        if value is True:
            query.append((key, "true"))
        elif isinstance(value, str):
            query.append((key, value))
        elif value:
            query += [(key, one) for one in value]
    return query


class Names:
    """Names that something else decides, such as the services on a node: looked up again when they may have changed.

    Args:
        load: finds them.
    """

    def __init__(self, load: Callable[[], Collection[str]]) -> None:
        self._load = load
        self._names: Collection[str] = ()
        self._loaded: float | None = None

    def __contains__(self, name: object) -> bool:
        now = time.monotonic()
        if self._loaded is None or now - self._loaded > _FRESH_S:
            self._names, self._loaded = self._load(), now
        return name in self._names


def services_with(client: OkubeClient, *, app: str | None = None, labels: Sequence[str] = ()) -> Names:
    """The names of the services of an app, or with labels."""
    return Names(lambda: {str(s["name"]) for s in client.services(app=app, labels=labels)})


def field_of_tasks(
    client: OkubeClient, field: str, *, node: str | None = None, service: str | None = None, app: str | None = None
) -> Names:
    """What tasks that have not ended have in a field: the services on a node, the nodes of a service."""
    return Names(lambda: {str(t.get(field)) for t in client.tasks(node=node, service=service, app=app)})
