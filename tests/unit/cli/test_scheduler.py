"""``okube scheduler``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply


class Site:
    """A manager that takes every policy."""

    def __init__(self) -> None:
        self.set: list[dict[str, object]] = []

    def __call__(self, received: Received) -> Reply:
        if received.method == "PUT":
            self.set.append(json.loads(received.body))
        return Reply(
            200,
            {
                "policy": "binpack",
                "weights": {"spread": 5.0},
                "overcommit": {"cpus": 2.0, "memory": 1.0, "disk": 1.0},
                "order": "tarjan",
                "scores": {"binpack": 100.0, "spread": 5.0},
                "unknown": ["colour"],
            },
        )


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return run_okube


def test_what_counts_is_shown_and_what_nobody_knows_is_named(okube: Okube) -> None:
    shown = okube("scheduler")
    assert shown.stdout.splitlines() == [
        "policy  binpack",
        "score   binpack             100",
        "score   spread                5   set",
        "order   tarjan",
        "promise cpus                  2 times what nodes have",
    ]
    assert "no score is called 'colour'" in shown.stderr


def test_what_is_given_is_set_and_nothing_else(okube: Okube, site: Site) -> None:
    assert okube("scheduler", "set", "epvm", "--weight", "spread=7", "--overcommit", "cpus=2").exit_code == 0
    assert site.set == [{"policy": "epvm", "weights": {"spread": 7.0}, "overcommit": {"cpus": 2.0}}]


def test_without_a_policy_what_is_not_given_stays(okube: Okube, site: Site) -> None:
    assert okube("scheduler", "set", "--order", "reverse-kahn", "--weight", "zones=1").exit_code == 0
    assert site.set == [
        {
            "policy": "binpack",
            "weights": {"spread": 5.0, "zones": 1.0},
            "overcommit": {"cpus": 2.0, "memory": 1.0, "disk": 1.0},
            "order": "reverse-kahn",
        }
    ]
    assert okube("scheduler", "set").exit_code == 2
    assert okube("scheduler", "set", "--order", "khan").exit_code == 2


@pytest.mark.parametrize("given", [("--weight", "spread"), ("--overcommit", "cpus=many")])
def test_what_is_no_number_is_refused_before_anybody_is_asked(okube: Okube, site: Site, given: tuple[str, str]) -> None:
    refused = okube("scheduler", "set", "spread", *given)
    assert (refused.exit_code, site.set) == (2, [])
    assert "is no NAME=NUMBER" in refused.stderr
