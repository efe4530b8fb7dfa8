import json
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from okube.cli.moments import since_ms
from tests.unit.cli.cluster import Cluster, a_service, a_task
from tests.unit.cli.typist import Typist
from tests.unit.client.playing import Manager, problem

Okube = Callable[..., Result]


def _line(time_ms: int, text: str, stream: str = "stdout") -> bytes:
    return json.dumps({"time_ms": time_ms, "stream": stream, "text": text}).encode()


@pytest.fixture
def written(cluster: Cluster) -> Cluster:
    cluster.add(a_service("web", 2), a_task("web.1"), a_task("web.2", "completed"))
    cluster.logs = {
        "web.1": [_line(1000, "one"), _line(3000, "three", "stderr")],
        "web.2": [_line(2000, "two")],
    }
    return cluster


def test_a_tasks_log_is_its_text_each_stream_to_its_own(okube: Okube, written: Cluster) -> None:
    result = okube("logs", "web.1")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "one\n", "three\n")


def test_a_services_log_is_that_of_its_tasks_in_the_order_of_time(okube: Okube, written: Cluster) -> None:
    result = okube("logs", "web", "-t")
    assert result.stdout.splitlines() == [
        "web.1 | 1970-01-01T00:00:01.000Z one",
        "web.2 | 1970-01-01T00:00:02.000Z two",
    ]
    assert result.stderr == "web.1 | 1970-01-01T00:00:03.000Z three\n"


def test_tasks_of_one_name_are_told_apart_by_the_start_of_their_ids(okube: Okube, written: Cluster) -> None:
    old = a_task("web.1", "completed", id="old1k3v9q7w2", created_at="2026-01-31T11:00:00.000Z")
    written.tasks.append(old)
    written.logs[old["id"]] = [_line(500, "before")]
    lines = okube("logs", "web").stdout.splitlines()
    assert lines[0] == "web.1 old1k3 | before"
    assert lines[1].startswith("web.1 web1k3 | one")
    assert lines[2].startswith("web.2")


def test_json_is_an_object_a_line(okube: Okube, written: Cluster) -> None:
    rows = [json.loads(line) for line in okube("logs", "web", "-o", "json").stdout.splitlines()]
    assert [(r["task"], r["time_ms"], r["stream"], r["text"]) for r in rows] == [
        ("web.1", 1000, "stdout", "one"),
        ("web.2", 2000, "stdout", "two"),
        ("web.1", 3000, "stderr", "three"),
    ]


def test_a_task_that_has_no_log_yet_is_passed_over(okube: Okube, written: Cluster) -> None:
    written.tasks.append(a_task("web.3", "pending"))
    result = okube("logs", "web")
    assert result.exit_code == 0
    assert "web.2 | two" in result.stdout


def test_where_nothing_is_to_be_had_it_is_said_why(okube: Okube, written: Cluster) -> None:
    written.tasks = [a_task("web.3", "pending")]
    result = okube("logs", "web")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "web.3 has no logs yet: it is pending" in result.stderr
    assert okube("logs", "web.3").exit_code == 1


def test_a_running_task_whose_log_cannot_be_had_is_said(okube: Okube, written: Cluster) -> None:
    task = written.tasks[0]
    refusal = problem(409, "conflict", "the logs of web.1 are on node w1, which is down")
    written.refusals["GET", f"/v1/tasks/{task['id']}/logs"] = refusal
    result = okube("logs", "web")
    assert (result.exit_code, result.stdout) == (0, "web.2 | two\n")
    assert "the logs of web.1 are on node w1, which is down" in result.stderr


def test_the_log_of_nothing_is_refused(okube: Okube, written: Cluster) -> None:
    result = okube("logs", "nothing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no service and no task nothing" in result.stderr


def test_several_services_and_tasks_are_merged(okube: Okube, written: Cluster) -> None:
    written.add(a_service("db"), a_task("db.1"))
    written.logs["db.1"] = [_line(1500, "between")]
    assert okube("logs", "web", "db.1").stdout.splitlines() == ["web.1 | one", "db.1  | between", "web.2 | two"]


def test_an_apps_log_is_that_of_its_services(okube: Okube, written: Cluster) -> None:
    written.add(a_service("shop-db", app="shop"), a_task("shop-db.1", app="shop"))
    written.logs["shop-db.1"] = [_line(1500, "ready")]
    assert okube("logs", "--app", "shop").stdout == "shop-db.1 | ready\n"
    assert "there is no app shp; did you mean shop?" in okube("logs", "--app", "shp").stderr


def test_without_prefix_only_the_text_is_shown(okube: Okube, written: Cluster) -> None:
    assert okube("logs", "web", "--no-prefix").stdout == "one\ntwo\n"


def test_on_a_terminal_each_task_has_its_colour_unless_nobody_wants_any(okube: Okube, written: Cluster) -> None:
    for env, expected in ({}, True), ({"NO_COLOR": "1"}, False):
        typist = Typist("logs", "web", env=env)
        assert typist.ends() == 0
        assert typist.lines == ["web.1 | one", "web.2 | two", "web.1 | three"]
        assert (b"\x1b[36mweb.1 | \x1b[0mone" in typist.written) is expected
        assert (b"\x1b[33mweb.2 | \x1b[0mtwo" in typist.written) is expected
        typist.close()


def test_how_much_is_shown_is_asked_of_each_task(okube: Okube, written: Cluster, manager: Manager) -> None:
    okube("logs", "web", "--tail", "3", "--since", "1970-01-01T00:00:02Z")
    asked = [r.query for r in manager.received if r.path.endswith("/logs")]
    assert [(query["tail"], query["since"]) for query in asked] == [("3", "2000")] * 2


def test_of_nothing_there_is_no_log(okube: Okube) -> None:
    assert "nothing is named" in okube("logs").stderr


def test_the_likely_name_is_told(okube: Okube, written: Cluster) -> None:
    assert "did you mean web." in okube("logs", "web.3").stderr


def test_whoever_follows_a_service_sees_the_tasks_that_come_later(okube: Okube, written: Cluster) -> None:
    looks = 0

    def replaced() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            written.tasks[0] |= {"state": "failed"}
            written.tasks.append(a_task("web.1", id="successor", created_at="2026-01-31T12:01:00.000Z"))
            written.logs["successor"] = [_line(4000, "here I am")]
        if looks == 4:
            written.tasks[2] |= {"state": "completed"}
            del written.services["web"]
        written.steps.append(replaced)

    written.steps.append(replaced)
    result = okube("logs", "-f", "web")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["web.1 | one", "web.2 | two", "web.1 succes | here I am"]


def test_following_a_task_that_has_ended_ends(okube: Okube, written: Cluster) -> None:
    assert okube("logs", "-f", "web.2").stdout == "two\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10s", 90_000),
        ("1m", 40_000),
        ("1h", 0),
        ("1970-01-01T00:01:00Z", 60_000),
        ("1970-01-01T01:01:00+01:00", 60_000),
        ("1970-01-01", 0),
        (None, None),
    ],
)
def test_since_is_a_time_ago_or_a_moment(text: str | None, moment: int | None) -> None:
    assert since_ms(text, 100_000) == moment


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(click.UsageError, match="write 30s, 10m, 2h"):
        since_ms("yesterday", 0)
