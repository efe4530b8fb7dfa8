"""The table of mutants, as it stands in docs/reliability.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.raft.report import write_section
from tests.mutants.catalogue import MUTANTS
from tests.mutants.hunt import Finding
from tests.mutants.mutant import Mutant

__all__ = ["NOBODY", "rows_in", "table", "write"]

NOBODY = "**nobody**"
_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_SECTION = "mutants"
_SIMULATORS = {"raft": "simulated members", "whole": "simulated clusters"}


def write(findings: Sequence[Finding]) -> None:
    """Put what was found into the page; rows of what was not looked at stay."""
    rows = rows_in(_PAGE.read_text())
    rows |= {finding.name: _row(_mutant(finding.name), finding) for finding in findings}
    write_section(_SECTION, table(rows))


def table(rows: Mapping[str, str]) -> str:
    """The lines of the table, in the order of the catalogue, from the row of each guard."""
    present = [rows[mutant.name] for mutant in MUTANTS if mutant.name in rows]
    survivors = sum(NOBODY in row for row in present)
    head = ["| hazard | guard switched off | what happens then | noticed by |", "|---|---|---|---|"]
    return "\n".join([f"{len(present)} guards switched off, {survivors} of them unnoticed.", "", *head, *present])


def rows_in(page: str) -> dict[str, str]:
    """The rows of the page's table, by the names of the guards."""
    _, _, part = page.partition(f"<!-- {_SECTION}: begin -->")
    part, _, _ = part.partition(f"<!-- {_SECTION}: end -->")
    return {line.split("`")[1]: line for line in part.splitlines() if line.startswith("| ") and "`" in line}


def _mutant(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def _row(mutant: Mutant, finding: Finding) -> str:
    return f"| {mutant.hazard} | `{mutant.name}` | {' '.join(mutant.title.split())} | {_noticed(mutant, finding)} |"


def _noticed(mutant: Mutant, finding: Finding) -> str:
    if not finding.noticed:
        return NOBODY
    if mutant.noticed_by in _SIMULATORS:
        seeds = "the first seed" if finding.seeds == 1 else f"{finding.seeds} seeds"
        return f"{_SIMULATORS[mutant.noticed_by]}, {seeds}"
    path, _, test = mutant.noticed_by.partition("::")
    return f"[{test.removeprefix('test_').replace('_', ' ')}](../{path})"
