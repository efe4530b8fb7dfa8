from typing import Any

import pytest

from okube.cli.cells import age, availability, node_message, task_state, text
from okube.cli.columns import COLUMNS
from okube.cli.table import render
from tests.unit.cli.cluster import CREATED, STATUS, a_node, a_service, a_task

NOW_MS = 1_769_861_040_000  # four minutes after the rows were created


def _table(kind: str, *rows: dict[str, Any], wide: bool = False) -> list[str]:
    return render(rows, COLUMNS[kind](NOW_MS), wide=wide, width=80)


def test_tasks_at_80_columns() -> None:
    no_fit = "no node fits: 3 nodes: memory 2.0 GiB asked, 1.2 GiB free"
    table = _table(
        "tasks",
        a_task("web.1", ports=[{"host": 8080, "container": 80, "protocol": "tcp"}]),
        a_task("web.2", ready=False, restarts=3, message="restarting in 4 s"),
        a_task("web.3", "pending", reason="no-fit", message=no_fit),
        a_task("web.4", "failed", reason="image-pull", message="there is no image nginx:9"),
    )
    assert table == [
        "TASK   STATE      NODE  IMAGE       PORTS    RESTARTS  AGE  MESSAGE",
        "web.1  running    w1    nginx:1.27  8080:80             4m",
        "web.2  not ready  w1    nginx:1.27                  3   4m  restarting in 4 s",
        "web.3  pending          nginx:1.27                      4m",
        f"  {no_fit}",
        "web.4  failed     w1    nginx:1.27                      4m",
        "  image-pull: there is no image nginx:9",
    ]


def test_calm_tasks_show_no_more_than_they_need() -> None:
    assert _table("tasks", a_task("web.1"), a_task("db.1", image="registry.example.com/team/db:16")) == [
        "TASK   STATE    NODE  IMAGE                            AGE",
        "web.1  running  w1    nginx:1.27                        4m",
        "db.1   running  w1    registry.example.com/team/db:16   4m",
    ]


def test_services_at_80_columns() -> None:
    ports = [{"host": 8080, "container": 80, "protocol": "tcp"}, {"host": 0, "container": 53, "protocol": "udp"}]
    rolling = {"order": "stop-first", "state": "rolling", "done": 1, "total": 3}
    assert _table("services", a_service("web", 3, running=2, ports=ports, update=rolling), a_service("db")) == [
        "SERVICE  MODE        READY  UPDATE       IMAGE       PORTS               AGE",
        "web      replicated    2/3  rolling 1/3  nginx:1.27  8080:80,any:53/udp   4m",
        "db       replicated    0/1  rolling 0/1  nginx:1.27                       4m",
    ]


def test_nodes_at_80_columns() -> None:
    drained = a_node("w2", availability="draining", task_count=0, zone="", last_seen="2026-01-31T12:03:58.000Z")
    assert _table("nodes", a_node("w1"), drained) == [
        "NODE  STATE            ZONE    TASKS  CORES                MEMORY  SEEN",
        "w1    ready            rack-a      2  1.5/4  256.0 MiB of 8.0 GiB",
        "w2    ready, draining              0  1.5/4  256.0 MiB of 8.0 GiB    2s",
    ]


def test_managers_at_80_columns() -> None:
    assert _table("managers", *STATUS["managers"]) == [
        "MANAGER  ADDRESS          ROLE      STATE  REVISION  LAG",
        "m1       192.0.2.11:7101  leader    ready       120    0",
        "m2       192.0.2.12:7101  follower  ready       118    2",
        "m3       192.0.2.13:7101  unknown   down",
    ]


@pytest.mark.parametrize("kind", ["services", "tasks", "nodes", "managers", "actions"])
def test_rows_of_another_version_do_not_break_a_table(kind: str) -> None:
    _table(
        kind,
        {},
        {"name": 7, "update": "x", "resources": None, "ports": ["y"], "memory": "z", "created_at": "?"},
        wide=True,
    )


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"state": "running", "ready": True, "desired": "run"}, "running"),
        ({"state": "running", "ready": False, "desired": "run"}, "not ready"),
        ({"state": "running", "ready": True, "desired": "stop"}, "stopping"),
        ({"state": "completed", "ready": False, "desired": "stop"}, "completed"),
    ],
)
def test_the_state_is_told_in_a_word(fields: dict[str, Any], shown: str) -> None:
    assert task_state(fields) == shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-01-31T12:04:00.000Z", "0s"),
        ("2026-01-31T12:03:56.100Z", "3s"),
        ("2026-01-31T12:00:00Z", "4m"),
        ("2026-01-31T12:10:00Z", "0s"),
        ("2026-01-31T12:00:00", "4m"),
        (None, ""),
        ("soon", "soon"),
    ],
)
def test_ages_are_short(moment: str | None, shown: str) -> None:
    assert age(moment, NOW_MS) == shown


def test_values_read_as_people_write_them() -> None:
    assert [text(v) for v in (None, True, 0.5, 4.0, {"a": 1, "b": "c"}, ["x", 2])] == [
        "",
        "yes",
        "0.5",
        "4",
        "a=1,b=c",
        "x,2",
    ]


def test_a_node_shows_what_keeps_new_tasks_from_it() -> None:
    node = a_node(
        "w1",
        held_until="2026-01-31T12:05:00.000Z",
        message="it came and went 3 times in 5 minutes",
        conditions=[{"kind": "disk-full", "message": "97 % of the disk is used", "since": CREATED}],
    )
    assert availability(node) == "ready, held, disk-full"
    assert node_message(node) == "it came and went 3 times in 5 minutes; 97 % of the disk is used"
    assert availability(a_node("w1", availability="draining")) == "ready, draining"


def test_a_service_with_tasks_that_failed_for_good_says_so() -> None:
    failed = {"order": "stop-first", "state": "done", "done": 3, "total": 3, "failed": 2}
    assert "2 failed" in _table("services", a_service("web", 3, running=1, update=failed))[1]
