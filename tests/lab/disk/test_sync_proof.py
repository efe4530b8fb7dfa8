"""No vote and no acknowledgement leaves before the sync that covers it: as the kernel saw it, under load."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from okube.raft.records import Kind, Record, Term, Writer
from tests.lab.cluster import Cluster
from tests.lab.disk.joined import Strace, frames_of, promises
from tests.lab.disk.writers import Writers

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may trace any process")
_ROUNDS = int(os.environ.get("OKUBE_TRACE_ROUNDS", "1"))  # `make soak` plays ten
_WRITES = 60  # in a round


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Cluster, Path]]:
    trace = tmp_path / "trace"
    monkeypatch.setenv("OKUBE_RAFT_TRACE", str(trace))
    cluster = Cluster(tmp_path, runtime="process", workers=1)
    try:
        cluster.up()
        yield cluster, trace
    finally:
        cluster.destroy()


def test_no_vote_and_no_acknowledgement_leaves_before_the_sync_that_covers_it(traced: tuple[Cluster, Path]) -> None:
    cluster, trace = traced
    straces = {name: _trace(cluster, name, trace) for name in cluster.managers}
    with Writers(cluster) as writers:
        for _ in range(_ROUNDS):
            writers.more(_WRITES)
            leader = cluster.leader()
            cluster.kill(leader)
            straces.pop(leader).end()
            writers.more(20)
            cluster.ok("up", "-d")
            cluster.wait(cluster.complete, f"{leader} is back")
            straces[leader] = _trace(cluster, leader, trace)
        writers.more(_WRITES)
    checked: Counter[str] = Counter()
    for name, strace in straces.items():
        journal = cluster.data_dir / name / "raft" / "journal"
        cluster.kill(name)
        seen = frames_of(strace.end())
        depending, early = promises(seen, journal.read_bytes())
        checked.update(frame.kind for frame in depending)
        assert early == []
    print(f"frames that depend on a sync: {dict(checked)}")
    assert checked["Appended"] > _WRITES // 2
    assert checked["VoteGranted"] + checked["VoteRequest"] > 0
    cluster.ok("up", "-d")
    cluster.wait(cluster.complete, "all are back")
    assert writers.lost() == []


def _trace(cluster: Cluster, name: str, trace: Path) -> Strace:
    pid = cluster.pid(name)
    assert pid is not None
    journal = cluster.data_dir / name / "raft" / "journal"
    return Strace(pid, cluster.folder / f"strace-{name}-{pid}", [journal, trace])


_BEGINNING = [
    '9 write(5</d/raft/journal>, "..."..., 60) = 60',
    "9 fdatasync(5</d/raft/journal> <unfinished ...>",
]
_DONE = "9 <... fdatasync resumed>)              = 0"
_ACKNOWLEDGED = '7 write(6</t/trace>, "m2 -> m1 Appended term=1 index=2\\n", 33) = 33'
_VOTED = '7 write(6</t/trace>, "m2 -> m1 VoteGranted term=1\\n", 33) = 33'


@pytest.mark.parametrize("promise", [_ACKNOWLEDGED, _VOTED])
def test_what_leaves_before_its_sync_is_found(promise: str) -> None:
    writer = Writer(0, 0)
    place = (2).to_bytes(8, "little") + (1).to_bytes(8, "little")
    term, entry = Record(Kind.TERM, msgspec.msgpack.encode(Term(1, "m1"))), Record(Kind.ENTRY, place + b"\0x")
    start = b"".join(writer.whole_file([]))
    added = writer.frame(term) + writer.frame(entry)
    lines = [line.replace("60", str(len(added))) for line in _BEGINNING]
    for order, early in (([_DONE, promise], 0), ([promise, _DONE], 1)):
        found, too_early = promises(frames_of([*lines, *order]), start + added)
        assert (len(found), len(too_early)) == (1, early)
