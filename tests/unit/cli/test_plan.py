"""``okube plan``: where tasks would go."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply, problem

FILE = "name: web\nimage: example/web:1\nreplicas: 2\n---\nname: db\nimage: example/db:1\n"


def a_step(name: str, step: str, **fields: Any) -> dict[str, Any]:
    service = name.partition(".")[0]
    return {"name": name, "service": service, "step": step, "origin": None, "node": None, "why": "", **fields}


class Site:
    """A manager that answers with what it was told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.reply: Reply | None = None
        self.answer: dict[str, Any] = {
            "fits": True,
            "settled": True,
            "services": [{"name": "web", "action": "changed", "kept": 1, "changed": 1, "unplaced": 0}],
            "tasks": [a_step("web.2", "move", origin="w1", node="w2", why="of 3 nodes that fit: first by name")],
            "others": [],
        }

    def __call__(self, received: Received) -> Reply:
        self.asked.append((received.path, received.json()))
        return self.reply or Reply(200, self.answer)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    config = describe(play(site))
    (config.parent / "shop.yaml").write_text(FILE)
    return lambda *args: run_okube(*args)


def test_the_services_of_all_documents_are_asked_about_and_shown(okube: Okube, site: Site) -> None:
    result = okube("plan", "-f", "shop.yaml")
    assert result.exit_code == 0, result.stderr
    path, body = site.asked[-1]
    assert (path, [service["name"] for service in body["services"]]) == ("/v1/plan", ["web", "db"])
    assert result.stdout == (
        "SERVICE  ACTION   KEPT  CHANGED  UNPLACED\n"
        "web      changed     1        1         0\n"
        "\n"
        "TASK   STEP  FROM  NODE  WHY\n"
        "web.2  move  w1    w2    of 3 nodes that fit: first by name\n"
    )


def test_what_finds_no_place_ends_it_with_one_and_others_are_told(okube: Okube, site: Site) -> None:
    why = "no node fits: 3 nodes: memory 9.0 GiB asked, the largest node has 8.0 GiB"
    site.answer["fits"] = False
    site.answer["services"][0].update(unplaced=1)
    site.answer["tasks"] = [a_step("web.2", "wait", why=why)]
    site.answer["others"] = [a_step("low.1", "wait", origin="w1", message="gave its place on w1 to web.1")]
    result = okube("plan", "-f", "shop.yaml")
    assert result.exit_code == 1
    assert result.stderr == "okube: 1 task would find no place\n"
    assert f"web.2  wait  {why}\n" in result.stdout
    assert (
        "other services:\nTASK   STEP  FROM  WHY\nlow.1  wait  w1    gave its place on w1 to web.1\n" in result.stdout
    )


def test_many_tasks_that_fare_alike_are_one_line(okube: Okube, site: Site) -> None:
    site.answer["tasks"] = [a_step(f"web.{n}", "start", node=f"w{n % 2}", why="first by name") for n in range(40)]
    lines = okube("plan", "-f", "shop.yaml").stdout.splitlines()
    assert lines[-2:] == ["20 of web  start  w0    first by name", "20 of web  start  w1    first by name"]
    assert len(okube("plan", "-f", "shop.yaml", "-o", "wide").stdout.splitlines()) == 44


def test_scripts_get_the_answer_as_it_is(okube: Okube, site: Site) -> None:
    assert json.loads(okube("plan", "-f", "shop.yaml", "-o", "json").stdout) == site.answer


def test_what_the_cluster_finds_wrong_is_told_at_its_line(okube: Okube, site: Site) -> None:
    site.reply = problem(422, "invalid-input", "x", [("services[1].image", "is no image")])
    result = okube("plan", "-f", "shop.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("shop.yaml:6: image: is no image")


def test_a_file_with_errors_is_not_asked_about(okube: Okube, site: Site) -> None:
    Path("shop.yaml").write_text("name: web\nimage: x\nreplicas: many\n")
    result = okube("plan", "-f", "shop.yaml")
    assert (result.exit_code, site.asked) == (2, [])
    assert "shop.yaml:3: replicas" in result.stderr
