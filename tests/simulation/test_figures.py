"""What many seeds add up to is told alike however often, and its last line is for scripts."""

from tests.simulation.figures import Figures
from tests.simulation.report import Report


def _figures() -> Figures:
    figures = Figures()
    for seed in (1, 2):
        figures.add(
            Report(
                seed=seed,
                trace="",
                violations=["lost"] * (seed - 1),
                story=[],
                happened=[],
                faults={"cut": 2, "split": 1, "kill": 4},
                counts={"crashes": 4, "lost frames": 10, "elections": 3, "acknowledged": 100, "reads": 7},
                virtual_s=1800.0,
                settled_s=2.0,
            )
        )
    return figures


def test_figures_are_the_same_each_time_they_are_told() -> None:
    figures = _figures()
    assert figures.told(10.0) == figures.told(10.0)
    assert "crashes: 8" in figures.told(10.0)


def test_the_last_line_has_the_seeds_first_and_the_violations_last() -> None:
    last = _figures().told(10.0).splitlines()[-1]
    assert last == (
        "2 seeds, 1.00 virtual hours, 8 crashes, 6 partitions, 20 messages lost, 6 elections, "
        "200 proposals acknowledged, 1 violations"
    )
