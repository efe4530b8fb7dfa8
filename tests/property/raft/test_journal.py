import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.raft.journal import Command, Journal
from okube.raft.records import Kind, Record, Writer, read_records
from tests.simulation.disk import SimulatedDisk
from tests.simulation.loop import run_virtual
from tests.unit.raft.builders import JOURNAL, a_journal

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 300)),
        st.tuples(st.just("truncate"), st.integers(1, 5)),
        st.tuples(st.just("term"), st.integers(0, 2)),
        st.tuples(st.just("sync"), st.just(0)),
        st.tuples(st.just("compact"), st.integers(1, 5)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=40,
)


class Model:
    """What a journal must hold: as much as was synced, and no more than was appended."""

    def __init__(self, journal: Journal) -> None:
        self.remember(journal)

    def remember(self, journal: Journal) -> None:
        """Everything so far is durable."""
        self.entries = list(journal[1:])
        self.term = (journal.getCurrentTerm(), journal.getVotedForNodeId())
        self.truncated_to = journal.last_index


def take_step(journal: Journal, kind: str, amount: int) -> int:
    """Change the journal; how far it is truncated."""
    if kind == "add":
        journal.add(bytes([Command.REGULAR]) * (1 + amount), journal.last_index + 1, journal.getCurrentTerm())
    elif kind == "truncate" and len(journal) > amount:
        journal.deleteEntriesFrom(len(journal) - amount)
    elif kind == "term":
        journal.setCurrentTerm(journal.getCurrentTerm() + amount, f"m{amount}")
    elif kind == "compact":
        journal.compact(journal.base_index + amount if len(journal) > amount + 1 else journal.base_index)
    return journal.last_index


async def play(chosen: list[tuple[str, int]], seed: int) -> None:
    disk = SimulatedDisk(random.Random(seed), sync_s=(0.001, 0.002))
    mounted = disk.mount()
    journal = await a_journal(mounted)
    model = Model(journal)
    for kind, amount in chosen:
        if kind == "sync":
            await journal.sync()
            model.remember(journal)
        elif kind == "crash":
            mounted.crash()
            mounted = disk.mount()
            journal = await Journal.open(mounted, JOURNAL)
            found = {entry[1]: entry for entry in journal[1:]}
            durable = [e for e in model.entries if journal.base_index < e[1] <= model.truncated_to]
            assert [found.get(entry[1]) for entry in durable] == durable
            assert journal.getCurrentTerm() >= model.term[0]
            model.remember(journal)
        else:
            model.truncated_to = min(model.truncated_to, take_step(journal, kind, amount))
    mounted.crash()


@settings(max_examples=150, deadline=None)
@given(chosen=steps, seed=st.integers(0, 1000))
def test_after_any_crash_a_journal_holds_what_was_synced(chosen: list[tuple[str, int]], seed: int) -> None:
    run_virtual(play(chosen, seed))


records = st.lists(st.tuples(st.sampled_from(list(Kind)), st.binary(max_size=60)).map(lambda r: Record(*r)), max_size=6)


@given(written=records, cut=st.integers(0, 1000), garbage=st.binary(max_size=80))
def test_a_torn_tail_never_hides_or_invents_a_record(written: list[Record], cut: int, garbage: bytes) -> None:
    writer = Writer(0, 0)
    pieces = list(writer.whole_file(written))
    ends: list[Any] = [sum(map(len, pieces[: number + 1])) for number in range(len(pieces))]
    data = b"".join(pieces)
    kept = max(ends[0], min(cut, len(data)))
    whole = sum(end <= kept for end in ends[1:])
    assert read_records(data[:kept])[0] == written[:whole]
    assert read_records(data + garbage)[0][: len(written)] == written
