"""``okube whatif``: what would become of the cluster."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply


class Site:
    """A manager that answers with what it was told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answer: dict[str, Any] = {
            "fits": True,
            "settled": True,
            "lost": ["w1"],
            "added": [],
            "quorum": {"kept": True, "voters": 3, "left": 3, "needed": 2, "lost": []},
            "moved": 1,
            "unplaced": 0,
            "tasks": [
                {
                    "name": "web.1",
                    "service": "web",
                    "step": "move",
                    "origin": "w1",
                    "node": "w2",
                    "why": "first by name",
                }
            ],
            "suffering": [],
            "limits": [],
            "services": [],
        }

    def __call__(self, received: Received) -> Reply:
        self.asked.append((received.path, received.json()))
        return Reply(200, self.answer)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return lambda *args: run_okube(*args)


def test_all_that_is_named_is_lost(okube: Okube, site: Site) -> None:
    result = okube("whatif", "--lose", "w1", "zone:a", "--lose", "m1,m2", "--add", "2xw3")
    assert result.exit_code == 0, result.stderr
    path, body = site.asked[-1]
    assert path == "/v1/whatif"
    assert body == {"lose": ["w1", "m1", "m2", "zone:a"], "add": ["2xw3"], "services": []}
    assert result.stdout == (
        "lost      w1\n"
        "quorum    kept: no manager is lost\n"
        "tasks     1 would move, 0 would find no place\n"
        "\n"
        "TASK   STEP  FROM  NODE  WHY\n"
        "web.1  move  w1    w2    first by name\n"
    )


def test_a_manager_that_is_down_already_is_told(okube: Okube, site: Site) -> None:
    site.answer["quorum"] = {"kept": False, "voters": 3, "left": 1, "needed": 2, "lost": ["m1"], "down": ["m3"]}
    result = okube("whatif", "--lose", "m1")
    assert result.exit_code == 1
    assert "quorum    LOST: without m1 and with m3 down already, 1 of 3 managers are left" in result.stdout


def test_a_lost_quorum_and_tasks_without_a_place_end_it_with_one(okube: Okube, site: Site) -> None:
    site.answer.update(fits=False, unplaced=2)
    site.answer["quorum"] = {"kept": False, "voters": 3, "left": 1, "needed": 2, "lost": ["m1", "m2"]}
    site.answer["suffering"] = [
        {"name": "web", "app": None, "before": 3, "after": 1, "total": 3, "why": "no node fits"}
    ]
    site.answer["limits"] = [
        {"service": "web", "depends_on": "db", "limit": "within 2 ms", "tasks": 1, "nodes": ["w2"], "round_trip": 0.02}
    ]
    result = okube("whatif", "--lose", "w1")
    assert result.exit_code == 1
    assert result.stderr == "okube: the managers would have no quorum, and 2 tasks would find no place\n"
    assert "quorum    LOST: without m1, m2, 1 of 3 managers are left, and 2 are needed" in result.stdout
    assert "web        1/3       3  no node fits\n" in result.stdout
    assert "web      db     within 2 ms     20.0 ms      1  w2\n" in result.stdout


def test_what_cannot_be_meant_is_a_usage_error_and_nothing_is_asked(okube: Okube, site: Site) -> None:
    for args in ((), ("w1",), ("--add", "0x8c16g"), ("--add", "1000000000xw1"), ("--lose", ",")):
        result = okube("whatif", *args)
        assert result.exit_code == 2, args
        assert len(result.stderr.splitlines()) == 2, result.stderr
    assert site.asked == []


def test_scripts_get_the_answer_as_it_is(okube: Okube, site: Site) -> None:
    assert json.loads(okube("whatif", "--lose", "w1", "-o", "json").stdout) == site.answer
