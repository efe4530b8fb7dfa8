"""What many seeds add up to."""

from collections import Counter

from tests.simulation.report import Report

__all__ = ["Figures"]

_PARTITIONS = ("cut", "isolate", "split", "mute")


class Figures:
    """Sums of reports."""

    def __init__(self) -> None:
        self.violations = 0
        self._seeds = 0
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._virtual_s = 0.0
        self._slowest_s = 0.0

    def add(self, report: Report) -> None:
        """One more seed."""
        self._seeds += 1
        self._counts.update(report.counts)
        self._faults.update(report.faults)
        self._virtual_s += report.virtual_s
        self._slowest_s = max(self._slowest_s, report.settled_s)
        self.violations += len(report.violations)

    def told(self, took_s: float) -> str:
        """The figures, in lines; ``took_s`` is what it took."""
        counts = self._counts.copy()
        main = [
            ("seeds", f"{self._seeds:,} ({self._seeds / max(took_s, 0.001):.1f} a second)"),
            ("virtual time", f"{self._virtual_s / 3600:.2f} hours in {took_s:.0f} s"),
            ("faults", f"{sum(self._faults.values()):,}"),
            ("crashes", f"{counts.pop('crashes', 0):,}"),
            ("partitions", f"{self._partitions():,}"),
            ("messages", f"{counts.pop('frames', 0):,}, lost {counts.pop('lost frames', 0):,}"),
            ("elections", f"{counts.pop('elections', 0):,}"),
            ("proposals acknowledged", f"{counts.pop('acknowledged', 0):,}"),
            ("operations checked for linearizability", f"{counts.pop('checked', 0):,}"),
            *((kind, f"{count:,}") for kind, count in counts.items()),
        ]
        if self._slowest_s:
            main.append(("settled within", f"{self._slowest_s:.1f} s of the last fault"))
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self._faults.items()))
        lines = [f"{what}: {figure}" for what, figure in main]
        return "\n".join([*lines, f"kinds of faults: {kinds}", self.summary()])

    def summary(self) -> str:
        """The same in one line, which ends with the violations."""
        parts = [
            f"{self._seeds} seeds",
            f"{self._virtual_s / 3600:.2f} virtual hours",
            f"{self._counts['crashes']} crashes",
            f"{self._partitions()} partitions",
            f"{self._counts['lost frames']} messages lost",
            f"{self._counts['elections']} elections",
            f"{self._counts['acknowledged']} proposals acknowledged",
            f"{self.violations} violations",
        ]
        return ", ".join(parts)

    def _partitions(self) -> int:
        return sum(count for kind, count in self._faults.items() if kind.startswith(_PARTITIONS))
