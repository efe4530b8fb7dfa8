"""What a person at a terminal relies on, against real managers and agents: the embedded runtime is enough for it."""

import json
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.cluster import Cluster
from tests.lab.tour import COLUMNS, ROWS, take

_COUNT = "trap exit TERM; n=0; while :; do n=$((n+1)); echo $n; sleep 0.2 & wait; done"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cli"), runtime="process", node_down_after="12s")
    try:
        made.up()
        yield made
    finally:
        made.destroy()


class _Reader:
    """A command that goes on, and the lines that it has printed so far."""

    def __init__(self, cluster: Cluster, *args: str) -> None:
        self.lines: list[str] = []
        self._command = cluster.start(*args)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def stop(self) -> str:
        """Ctrl-C; what it said on stderr."""
        self._command.send_signal(signal.SIGINT)
        self._thread.join(timeout=20)
        assert self._command.stderr is not None
        said = self._command.stderr.read()
        assert self._command.wait(timeout=20) == 130
        self._command.stderr.close()
        return said

    def _read(self) -> None:
        assert self._command.stdout is not None
        with self._command.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))


def test_watches_and_logs_go_on_without_gap_or_repeat_when_the_leader_is_killed(cluster: Cluster) -> None:
    cluster.ok("run", "--image", "host", "--name", "count", "--replicas", "2", "--", "sh", "-c", _COUNT)
    tasks = _Reader(cluster, "ps", "--watch", "-o", "json")
    logs = _Reader(cluster, "logs", "-f", "count", "-o", "json")
    cluster.wait(lambda: len(logs.lines) > 4 and len(tasks.lines) >= 2, "both are read")
    for replicas in (4, 3, 5):
        cluster.kill(cluster.leader())
        cluster.ok("scale", f"count={replicas}")
        cluster.up()
    newest = {task["name"] for task in cluster.ready("count")}
    seen = len(logs.lines)
    cluster.wait(lambda: len(logs.lines) > seen + 20, "the logs go on")
    cluster.wait(lambda: {name for name, _ in _written(logs)} >= newest, "new tasks join in")
    cluster.wait(lambda: _as_watched(tasks) == _as_listed(cluster), "the watch has told all")
    tasks.stop()
    logs.stop()
    revisions = [line["revision"] for line in map(json.loads, tasks.lines) if line["object"]["revision"]]
    told = revisions[2:]
    assert told == sorted(set(told)), "each change once, in order"
    by_task: dict[str, list[int]] = {}
    for line in map(json.loads, logs.lines):
        by_task.setdefault(line["id"], []).append(int(line["text"]))
    for numbers in by_task.values():
        assert numbers == list(range(1, len(numbers) + 1)), "no line lost, none twice"
    cluster.ok("rm", "count")


def test_the_five_minute_tour_fits_its_terminal(cluster: Cluster) -> None:
    tour = take(cluster, "host")
    assert tour.widest <= COLUMNS
    shown = {screen.caption: screen.lines for screen in tour.screens}
    assert all(0 < len(lines) <= ROWS for lines in shown.values())
    everything = "\n".join(line for lines in shown.values() for line in lines)
    assert "Traceback" not in everything
    assert "a bug of Okube" not in everything
    for sentence in ("24 80", "no node fits: 3 nodes: memory 64.0 GiB asked", "did you mean web?", "no tasks"):
        assert sentence in everything


def test_an_app_starts_when_what_it_waits_for_is_ready_and_its_dependencies_stop_last(cluster: Cluster) -> None:
    go = cluster.folder / "go"
    common = {"kind": "Service", "app": "order", "image": "host"}
    slow = "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"
    services: list[dict[str, object]] = [
        {"name": "order-web", "command": ["sh", "-c", slow], "depends_on": [{"service": "db", "condition": "ready"}]},
        {
            "name": "order-db",
            "command": ["sh", "-c", "trap exit TERM; while :; do sleep 0.1; done"],
            "depends_on": [{"service": "migrate", "condition": "ready"}],
        },
        {"name": "order-migrate", "mode": "job", "command": ["sh", "-c", f"until test -e {go}; do sleep 0.1; done"]},
    ]
    file = cluster.folder / "order.yaml"
    file.write_text("\n---\n".join(json.dumps({**common, **service}) for service in services))
    cluster.ok("apply", "--no-wait", "-f", str(file))
    said = {
        "order-web": "waits for db: 0 of 1 tasks ready",
        "order-db": "waits for migrate: 0 of 1 tasks completed",
    }
    cluster.wait(
        lambda: all(cluster.tasks(name)[0]["message"] == message for name, message in said.items()), "both wait"
    )
    go.touch()
    cluster.wait(lambda: len(cluster.ready("order-web")) == 1, "the front runs")

    cluster.ok("rm", "--app", "order")

    ends = [
        event["subject"] for event in cluster.json("events", "--kind", "task-completed") if "order-" in event["subject"]
    ]
    assert ends == ["order-migrate.1", "order-web.1", "order-db.1"]


def _written(logs: _Reader) -> set[tuple[str, str]]:
    return {(line["task"], line["text"]) for line in map(json.loads, list(logs.lines))}


def _as_watched(tasks: _Reader) -> dict[str, Any]:
    """What somebody knows who has read every line."""
    known: dict[str, Any] = {}
    for line in map(json.loads, list(tasks.lines)):
        found = line["object"]
        if line["type"] == "put":
            known[found["id"]] = found
        else:
            known.pop(found["id"], None)
    return known


def _as_listed(cluster: Cluster) -> dict[str, Any]:
    return {task["id"]: task for task in cluster.json("ps")}
