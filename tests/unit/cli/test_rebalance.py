"""``okube rebalance``: what would move, and what does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply

BALANCE: dict[str, Any] = {
    "most_used_mean": 0.5,
    "most_used_highest": 0.9,
    "most_used_deviation": 0.4,
    "tasks_lowest": 0,
    "tasks_highest": 9,
    "tasks_deviation": 4.5,
    "network_cost": 0.0,
    "unmet_limits": 0,
}


class Site:
    """A manager that answers with what it was told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        move = {"name": "web.1", "origin": "w1", "target": "w2", "gain": 0.5, "why": "better balanced (spread +50)"}
        after = {**BALANCE, "most_used_highest": 0.6, "network_cost": 1234.0}
        self.answer: dict[str, Any] = {"moves": [move], "before": BALANCE, "after": after, "done": True, "more": False}

    def __call__(self, received: Received) -> Reply:
        assert (received.method, received.path) == ("POST", "/v1/rebalance")
        self.asked.append(received.query)
        return Reply(200, self.answer)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return lambda *args: run_okube(*args)


def test_moves_and_the_balance_are_shown(okube: Okube, site: Site) -> None:
    result = okube("rebalance", "--max-moves", "3", "--app", "shop")
    assert result.exit_code == 0, result.stderr
    assert site.asked == [{"max_moves": "3", "app": "shop"}]
    assert result.stdout == (
        "TASK   FROM  TO  GAIN  WHY\n"
        "web.1  w1    w2  0.50  better balanced (spread +50)\n"
        "\n"
        "BALANCE                        BEFORE   AFTER\n"
        "most used resource, mean         50 %    50 %\n"
        "most used resource, highest      90 %    60 %\n"
        "most used resource, deviation    40 %    40 %\n"
        "tasks of a node                0 to 9  0 to 9\n"
        "network, bits under way             0   1,234\n"
    )
    assert result.stderr == "1 task told to move, one slot of a service at a time\n"


def test_nothing_to_do_is_no_error(okube: Okube, site: Site) -> None:
    site.answer["moves"] = []
    result = okube("rebalance", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "nothing to do: no move would gain enough\n"
    assert site.asked == [{"dry_run": "true"}]


@pytest.mark.parametrize("number", ["0", "-1", "many", "1001"])
def test_a_number_of_moves_that_cannot_be_is_a_usage_error(okube: Okube, site: Site, number: str) -> None:
    result = okube("rebalance", "--max-moves", number)
    assert (result.exit_code, site.asked) == (2, [])


def test_scripts_get_the_answer_as_it_is(okube: Okube, site: Site) -> None:
    assert json.loads(okube("rebalance", "-o", "json").stdout) == site.answer
