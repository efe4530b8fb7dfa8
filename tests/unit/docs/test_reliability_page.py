"""docs/reliability.md has all guards that are switched off, and nothing survives in it."""

import re
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.table import NOBODY, rows_in, table

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_the_table_has_every_guard_and_all_are_noticed() -> None:
    rows = rows_in(PAGE)
    assert list(rows) == [mutant.name for mutant in MUTANTS]
    assert not any(NOBODY in row for row in rows.values())
    assert table(rows) in PAGE


def test_there_are_twenty_and_each_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert all(mutant.title.endswith(".") for mutant in MUTANTS)


def test_the_tests_that_are_named_are_there() -> None:
    for mutant in MUTANTS:
        path, _, name = mutant.noticed_by.partition("::")
        if name:
            assert re.search(rf"def {name}\(", (ROOT / path).read_text()), mutant.noticed_by


def test_hazards_are_numbered_as_decisions_md_numbers_them() -> None:
    numbers = {int(word) for mutant in MUTANTS for word in re.findall(r"\d+", mutant.hazard)}
    assert numbers <= set(range(1, 31))
