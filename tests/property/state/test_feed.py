"""Streams of changes: the same lines everywhere, and what they add up to is what the lists say."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.service import Service
from okube.model.shown import event_view
from okube.model.task import Task
from okube.model.workload_views import AppView
from okube.state import StateMachine, Tables
from okube.state.apps import view_of_app
from okube.state.feed import KINDS, Feed, Kind
from okube.state.lines import render
from okube.state.queries import view_of_node, view_of_service, view_of_task
from okube.state.tables import Row
from tests.builders import Cluster
from tests.property.state.test_replicas import act

Wanted = Callable[[Any], bool]


def everything(_: object) -> bool:
    return True


def lines(feed: Feed, kind: Kind, since: int, wanted: Wanted = everything) -> list[bytes]:
    ring = feed.ring(kind)
    places = range(ring.place_after(since), ring.end)
    return [line for place in places if (line := render(ring.at(place), wanted)) is not None]


def listed(tables: Tables, kind: Kind, wanted: Wanted = everything) -> dict[str, Any]:
    """What a list shows, by name or id."""
    views: list[Any]
    match kind:
        case "tasks":
            views = [view_of_task(tables, task) for task in tables.tasks.values() if wanted(task)]
        case "services":
            views = [view_of_service(tables, service) for service in tables.services.values() if wanted(service)]
        case "nodes":
            views = [view_of_node(tables, node, None) for node in tables.nodes.values() if wanted(node)]
        case "apps":
            apps: dict[str, list[Service]] = {}
            for service in tables.services.values():
                apps.setdefault(service.spec.app or "", []).append(service)
            shown = [view_of_app(tables, app, services) for app, services in apps.items() if app]
            views = [view for view in shown if wanted(view)]
        case "events":
            views = [event_view(event) for event in tables.events.rows() if wanted(event)]
    return {key_of(kind, view): view for view in msgspec.json.decode(msgspec.json.encode(views))}


def key_of(kind: Kind, view: dict[str, Any]) -> str:
    return str(view["name"] if kind in ("apps", "services", "nodes") else view["id"])


def added_up(kind: Kind, read: list[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in read:
        change = msgspec.json.decode(line)
        key = key_of(kind, change["object"])
        if change["type"] == "put":
            found[key] = change["object"]
        else:
            assert key in found, line
            del found[key]
    return found


def _revisions(read: list[bytes]) -> list[int]:
    return [msgspec.json.decode(line)["revision"] for line in read]


def _some(row: Row | AppView) -> bool:
    """A filter that rows come to pass, and cease to."""
    if isinstance(row, Task):
        return row.state == "running"
    if isinstance(row, Service):
        return row.spec.image == "i:1"
    if isinstance(row, AppView):
        return row.state == "running"
    return row.revision % 3 == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), steps=st.integers(1, 60), cut=st.floats(0, 1))
def test_lines_add_up_to_the_lists_and_are_the_same_at_a_manager_that_began_later(
    seed: int, steps: int, cut: float
) -> None:
    rng = random.Random(seed)
    cluster = Cluster(seed)
    feed = Feed(cluster.tables)
    for _ in range(steps):
        act(cluster, rng)
    replica = StateMachine()
    late: Feed | None = None
    at = int(cut * len(cluster.log))
    since = 0
    for index, payload in enumerate(cluster.log):
        if index == at:
            since = replica.tables.revision
            late = Feed(replica.tables)
            replica.restore(b"".join(replica.snapshot()))
            late.restart()
        replica.apply(index + 1, 1, payload)
    for kind in KINDS:
        for wanted in (everything, _some):
            read = lines(feed, kind, 0, wanted)
            assert added_up(kind, read) == listed(cluster.tables, kind, wanted)
            revisions = _revisions(read)
            assert revisions == sorted(set(revisions))
            assert lines(feed, kind, 0, wanted) == read
            if late is not None:
                assert lines(late, kind, since, wanted) == lines(feed, kind, since, wanted)
            for cut_at in revisions[:: max(1, len(revisions) // 5)]:
                head = [line for line, revision in zip(read, revisions, strict=True) if revision <= cut_at]
                assert head + lines(feed, kind, cut_at, wanted) == read
