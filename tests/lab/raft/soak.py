"""Mixed faults on real managers under a steady load, and what must hold after it.

``OKUBE_RAFT_SOAK_S=600 python -m tests.lab.raft.soak`` plays it and writes the figures into docs/reliability.md.
"""

import contextlib
import itertools
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.checker import check, save
from tests.lab.raft.clients import Load
from tests.lab.raft.faults import FAULTS, OF_LINKS
from tests.lab.raft.report import write_section
from tests.lab.raft.site import Site

__all__ = ["Report", "main", "soak"]

LEAST_WRITES_S = 20.0
_TWO = "two of these at a time"
_COMES_BACK_S = 30.0


class Report(msgspec.Struct, frozen=True):
    """What a soak saw; times in seconds."""

    seconds: float
    writes: int
    operations: int
    unknown: int
    created: int
    faults: dict[str, int]
    pauses: dict[str, float]
    """The longest time without an acknowledged write in and after each kind of fault, and of two at a time."""
    elections: int

    @property
    def writes_s(self) -> float:
        return self.writes / self.seconds


class _Played(msgspec.Struct, frozen=True):
    kinds: tuple[str, ...]
    began: float
    ended: float


def soak(site: Site, rng: random.Random, *, seconds: float, calm_s: float = 3.0, fault_s: float = 6.0) -> Report:
    """Play faults for so long, and check all that must hold; raises ``AssertionError`` where something does not."""
    load = Load(site, random.Random(rng.random()))
    try:
        load.wait_for(50)
        began = time.monotonic()
        elections = site.elections()
        played = list(_play(site, load, rng, until=began + seconds, calm_s=calm_s, fault_s=fault_s))
        took_s = time.monotonic() - began
    finally:
        load.stop()
    writes = [at for at in load.acknowledged if began <= at <= began + took_s]
    report = Report(
        seconds=took_s,
        writes=len(writes),
        operations=len(load.history),
        unknown=sum(not operation.is_known for operation in load.history),
        created=len(load.created),
        faults=dict(Counter(kind for each in played for kind in each.kinds)),
        pauses=_pauses(played, writes),
        elections=site.elections() - elections,
    )
    _say(f"{report}")
    _check(site, load, report)
    return report


def _play(
    site: Site, load: Load, rng: random.Random, *, until: float, calm_s: float, fault_s: float
) -> Iterator[_Played]:
    """One fault after the other, each kind as often; sometimes one of the links comes on top."""
    for kind in _in_turns(rng):
        if time.monotonic() + calm_s > until:
            return
        kinds = [kind]
        if rng.random() < 0.25 and (on_top := rng.choice(OF_LINKS)) != kind:
            kinds.append(on_top)
        leader = site.cluster.leader()
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            for each in kinds:
                _say(f"{began:.1f}: {stack.enter_context(FAULTS[each](site, rng, leader))}")
            _pass(rng.uniform(0.3, 1.0) * fault_s)
        ended = time.monotonic()
        load.wait_for(20, seconds=_COMES_BACK_S)
        assert site.ended_by_themselves() == [], site.cluster.tails()
        _pass(rng.uniform(0.3, 1.0) * calm_s)
        yield _Played(tuple(kinds), began, ended)


def _in_turns(rng: random.Random) -> Iterator[str]:
    while True:
        yield from rng.sample(list(FAULTS), k=len(FAULTS))


def _pass(seconds: float) -> None:
    """Let time go by: how long a fault lasts is chance, and nothing is waited for."""
    time.sleep(seconds)


def _pauses(played: list[_Played], writes: list[float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in played:
        later = [at for at in writes if at > each.began]
        points = [each.began, *itertools.takewhile(lambda at: at < each.ended + 2.0, later)]  # noqa: B023  # used here
        longest = max((after - before for before, after in itertools.pairwise(points)), default=0.0)
        title = each.kinds[0] if len(each.kinds) == 1 else _TWO
        found[title] = max(longest, found.get(title, 0.0))
    return found


def _check(site: Site, load: Load, report: Report) -> None:
    assert site.ended_by_themselves() == [], site.cluster.tails()
    site.cluster.wait(site.cluster.complete, "all managers take part again")
    site.cluster.wait(site.agree, "all digests are equal")
    listed = {service["name"] for service in site.cluster.json("services")}
    lost = [name for name in load.created if name not in listed]
    assert lost == [], f"{len(lost)} acknowledged services are lost"
    violation = check(load.history)
    if violation is not None:
        kept = Path(tempfile.gettempdir()) / f"okube-history-{os.getpid()}.jsonl"
        save(kept, load.history)
        raise AssertionError(f"the history is not linearizable (it is kept in {kept})\n{violation}")
    logs = site.cluster.logs()
    assert "truncating already-applied" not in logs
    assert "by a defect" not in logs
    assert report.writes_s >= LEAST_WRITES_S, f"void: {report.writes_s:.1f} acknowledged writes/s"


def _say(line: str) -> None:
    print(f"==> {line}", flush=True)


def main() -> None:
    """Play it, and write down the figures."""
    seconds = float(os.environ.get("OKUBE_RAFT_SOAK_S", "600"))
    seed = int(os.environ.get("OKUBE_RAFT_SOAK_SEED", "1"))
    with tempfile.TemporaryDirectory(prefix="okube-soak-", ignore_cleanup_errors=True) as folder:
        site = Site(Path(folder))
        try:
            report = soak(site, random.Random(seed), seconds=seconds)
        finally:
            site.destroy()
    write_section("soak", _section(report))


def _section(report: Report) -> str:
    rows = [f"| {kind} | {count} | {_shown(report, kind)} |" for kind, count in sorted(report.faults.items())]
    rows.append(f"| {_TWO} | | {_shown(report, _TWO)} |")
    return "\n".join(
        [
            f"{report.seconds:.0f} s, {sum(report.faults.values())} faults, {report.elections} elections; "
            f"{report.writes:,} acknowledged writes ({report.writes_s:.0f}/s), {report.operations:,} operations on "
            f"registers ({report.unknown} of unknown outcome), {report.created:,} services created. The history is "
            "linearizable, no acknowledged write is lost, the digests of all managers are equal.",
            "",
            "| fault | times | longest time without an acknowledged write, s |",
            "|---|---|---|",
            *rows,
        ]
    )


def _shown(report: Report, title: str) -> str:
    return f"{report.pauses[title]:.1f}" if title in report.pauses else "–"


if __name__ == "__main__":
    main()
