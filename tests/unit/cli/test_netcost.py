"""``okube net cost``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply, problem

EDGE: dict[str, Any] = {
    "service": "web",
    "depends_on": "db",
    "limit": "within 2 ms",
    "traffic": 10_000_000,
    "tasks": 2,
    "round_trip": 0.02,
    "unknown": 0,
    "cost": 400_000.0,
    "unmet": 2,
    "best_cost": 10_000.0,
}


class Site:
    """A manager that answers with what it was told to."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {
            "app": "shop",
            "cost": 400_000.0,
            "unmet": 2,
            "best_cost": 10_000.0,
            "best_unmet": 0,
            "edges": [EDGE],
            "moves": [{"service": "web", "tasks": 2, "origin": "w1", "target": "w2"}],
        }

    def __call__(self, received: Received) -> Reply:
        if received.path != "/v1/apps/shop/cost":
            return problem(404, "not-found", "there is no app mall") if "cost" in received.path else Reply(200, [])
        return Reply(200, self.answer)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return lambda *args: run_okube(*args)


def test_costs_now_and_at_best_are_shown_with_the_moves(okube: Okube) -> None:
    result = okube("net", "cost", "shop")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "now         400,000 bits under way, 2 tasks beyond a limit\n"
        "best found  10,000 bits under way\n"
        "\n"
        "SERVICE  NEEDS  TASKS    TRAFFIC  LATENCY     COST    BEST  LIMIT        BEYOND\n"
        "web      db         2  10 Mbit/s  20.0 ms  400,000  10,000  within 2 ms       2\n"
        "\n"
        "moves that lead there:\n"
        "SERVICE  TASKS  FROM  TO\n"
        "web          2  w1    w2\n"
    )


def test_an_app_without_dependencies_is_told_in_a_sentence(okube: Okube, site: Site) -> None:
    site.answer["edges"] = []
    result = okube("net", "cost", "shop")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no service of app shop depends on another: nothing is known to flow between them\n"


def test_unknown_round_trips_are_told(okube: Okube, site: Site) -> None:
    site.answer["edges"] = [{**EDGE, "round_trip": None, "unknown": 2}]
    result = okube("net", "cost", "shop")
    assert "unknown" in result.stdout
    assert "some round trips are unknown" in result.stderr


def test_an_app_that_there_is_not_is_an_error(okube: Okube) -> None:
    result = okube("net", "cost", "mall")
    assert result.exit_code == 1
    assert result.stderr.startswith("okube: there is no app mall")


def test_scripts_get_the_answer_as_it_is(okube: Okube, site: Site) -> None:
    assert json.loads(okube("net", "cost", "shop", "-o", "json").stdout) == site.answer
