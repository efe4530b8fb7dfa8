"""docs/operations.md shows tables as the command line prints them, and times as they are."""

import re
from pathlib import Path

import pytest

from okube.cli.columns import COLUMNS
from okube.client.calls import READS, WRITES
from okube.config.cluster import Timing
from okube.manager.liveness import MAX_ABSENCE_S
from okube.model.flapping import FIRST_HOLD_MS, FLAPS, LONGEST_HOLD_MS, WINDOW_MS
from okube.model.spec import Stop
from okube.security.issue import NODE_LIFE
from okube.worker.heartbeat import ABSENCE_S
from okube.worker.lookout import FULL_LOOK_S

_ROOT = Path(__file__).parents[3]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_PAGE = (_ROOT / "docs" / "operations.md").read_text()
_TITLES = {column.title for made in COLUMNS.values() for column in made(0)}
_TIMES = _PAGE[_PAGE.index("## Times that matter") :]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_tables_that_are_shown_have_the_columns_that_are_printed(page: Path) -> None:
    screens = "".join(re.findall(r"^```\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
    heads = re.findall(r"^[A-Z]+(?: +[A-Z]+)+ *$", screens, re.MULTILINE)
    assert {word for head in heads for word in head.split()} <= _TITLES


def test_tables_are_shown_at_all() -> None:
    assert re.search(r"^NODE  STATE", _PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    ("what", "default"),
    [
        ("`timing.heartbeat`", f"{Timing().heartbeat:g} s"),
        ("`timing.node_down_after`", f"{Timing().node_down_after:g} s"),
        ("`timing.election`", f"{Timing().election * 1000:g} ms"),
        ("absence that an agent announces", f"{min(ABSENCE_S, MAX_ABSENCE_S):g} s"),
        ("`stop.grace`", f"{Stop().grace:g} s"),
        ("a full look at all containers", f"{FULL_LOOK_S:g} s"),
        ("a read without quorum", f"{READS.deadline_s:g} s"),
        ("a write without quorum", f"{WRITES.deadline_s:g} s"),
        ("certificates", f"{NODE_LIFE.days} d"),
    ],
)
def test_the_default_of_each_time_is_told(what: str, default: str) -> None:
    row = next(line for line in _TIMES.splitlines() if line.startswith("|") and what in line)
    assert row.split("|")[2].strip() == default


def test_how_long_a_node_that_comes_and_goes_is_held_is_told() -> None:
    assert (FLAPS, WINDOW_MS, FIRST_HOLD_MS, LONGEST_HOLD_MS) == (3, 600_000, 120_000, 1_800_000), "the page says so"
    assert "three times within ten minutes" in " ".join(_PAGE.split())
    assert "no new tasks for two minutes" in " ".join(_PAGE.split())
    assert "up to half an hour" in " ".join(_PAGE.split())
