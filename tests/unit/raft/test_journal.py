import asyncio

import msgspec
import pytest

from okube.raft.errors import JournalDamaged, NotBootstrapped
from okube.raft.journal import Command, Journal, first_records
from okube.raft.journal_file import create_journal_file
from okube.raft.members import encode_membership
from okube.raft.records import Kind, Record
from tests.simulation.disk import MountedDisk
from tests.unit.raft.builders import JOURNAL, a_disk, a_journal, a_member, entries_of, in_virtual_time, members

REGULAR = bytes([Command.REGULAR])


def entry(index: int, term: int = 1, payload: bytes = b"x") -> tuple[bytes, int, int]:
    return (REGULAR + payload, index, term)


@in_virtual_time
async def test_term_vote_and_entries_survive_a_crash_after_a_sync() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    journal.setCurrentTerm(3, "m2")
    journal.add(*entry(2, 3))
    await journal.sync()
    disk.crash()
    journal = await Journal.open(disk.disk.mount(), JOURNAL)
    assert (journal.getCurrentTerm(), journal.getVotedForNodeId()) == (3, "m2")
    assert entries_of(journal) == [entry(2, 3)]
    assert journal.synced_index == 2


@in_virtual_time
async def test_nothing_counts_as_durable_before_the_sync() -> None:
    journal = await a_journal()
    journal.setCurrentTerm(1, None)
    journal.add(*entry(2))
    assert (journal.synced_index, journal.synced_position) == (1, 0)
    assert journal.term_position > journal.synced_position
    await journal.sync()
    assert (journal.synced_index, journal.synced_position) == (2, 2)


@in_virtual_time
async def test_an_entry_that_is_replaced_during_a_sync_is_not_durable_after_it() -> None:
    journal = await a_journal()
    journal.add(*entry(2, 1))
    syncing = asyncio.create_task(journal.sync())
    await asyncio.sleep(0)
    journal.deleteEntriesFrom(1)
    journal.add(*entry(2, 2))
    await syncing
    assert journal.synced_index == 1


@in_virtual_time
async def test_a_truncation_survives_and_the_log_goes_on_from_there() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    for index in range(2, 6):
        journal.add(*entry(index, 1))
    journal.deleteEntriesFrom(2)
    journal.add(*entry(3, 2))
    await journal.sync()
    await journal.close()
    assert entries_of(await Journal.open(disk, JOURNAL)) == [entry(2, 1), entry(3, 2)]


@in_virtual_time
async def test_a_membership_holds_from_append_on_and_is_undone_by_truncation() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    larger = (*members(3), a_member("m4"))
    journal.add(bytes([Command.MEMBERSHIP]) + encode_membership(larger), 2, 1)
    assert journal.members == larger
    await journal.sync()
    assert (await Journal.open(disk, JOURNAL)).members == larger
    journal.deleteEntriesFrom(1)
    assert journal.members == members(3)


@in_virtual_time
async def test_compaction_keeps_term_membership_and_tail() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    journal.setCurrentTerm(2, "m1")
    larger = (*members(3), a_member("m4"))
    journal.add(bytes([Command.MEMBERSHIP]) + encode_membership(larger), 2, 1)
    for index in range(3, 9):
        journal.add(*entry(index, 2))
    await journal.sync()
    journal.compact(journal.tail_start(7, entries=2, size_bytes=1000))
    journal.add(*entry(9, 2))
    await journal.compacted()
    await journal.sync()
    await journal.close()
    journal = await Journal.open(disk, JOURNAL)
    assert (journal.base_index, journal.base_term, journal.members) == (5, 2, larger)
    assert (journal.getCurrentTerm(), journal.getVotedForNodeId()) == (2, "m1")
    assert entries_of(journal) == [entry(index, 2) for index in range(6, 10)]


@in_virtual_time
async def test_the_tail_that_is_kept_is_limited_in_bytes_too() -> None:
    journal = await a_journal()
    for index in range(2, 12):
        journal.add(*entry(index, 1, bytes(99)))
    assert journal.tail_start(11, entries=100, size_bytes=350) == 8


@in_virtual_time
async def test_a_crash_at_any_moment_of_a_compaction_loses_nothing() -> None:
    for crash_at_ms in range(0, 16):
        disk = a_disk()
        journal = await a_journal(disk)
        for index in range(2, 30):
            journal.add(*entry(index))
        await journal.sync()
        acknowledged = 29

        async def go_on(journal: Journal = journal) -> None:
            nonlocal acknowledged
            journal.compact(20)
            for index in range(30, 40):
                journal.add(*entry(index))
                await journal.sync()
                acknowledged = index

        task = asyncio.create_task(go_on())
        await asyncio.sleep(crash_at_ms / 1000)
        disk.crash()
        found = await Journal.open(disk.disk.mount(), JOURNAL)
        assert found.last_index >= acknowledged, crash_at_ms
        assert found.base_index in (1, 20)
        task.cancel()
        await asyncio.wait([task])


@in_virtual_time
async def test_a_journal_that_is_damaged_before_its_end_is_refused_with_what_to_do() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    for index in range(2, 5):
        journal.add(*entry(index))
        await journal.sync()
    await journal.close()
    disk.disk.files[JOURNAL][100] ^= 0xFF
    with pytest.raises(JournalDamaged, match="leave this manager ended"):
        await Journal.open(disk, JOURNAL)


@in_virtual_time
async def test_a_journal_of_a_newer_format_is_refused() -> None:
    disk = a_disk()
    await a_journal(disk)
    disk.disk.files[JOURNAL][:16] = b"okube-journal 2\n"
    with pytest.raises(JournalDamaged, match="not one that this version reads"):
        await Journal.open(disk, JOURNAL)


@in_virtual_time
async def test_records_that_contradict_each_other_are_refused() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    journal._file.append(Record(Kind.ENTRY, bytes(8) + bytes(8) + b"x"))
    await journal.sync()
    await journal.close()
    with pytest.raises(JournalDamaged, match="contradict"):
        await Journal.open(disk, JOURNAL)


@in_virtual_time
async def test_an_empty_directory_is_no_member() -> None:
    with pytest.raises(NotBootstrapped):
        await Journal.open(a_disk(), JOURNAL)


@in_virtual_time
async def test_an_error_of_a_sync_is_not_hidden() -> None:
    disk = a_disk()
    journal = await a_journal(disk)
    journal.add(*entry(2))
    disk.disk.fail_syncs = True
    with pytest.raises(OSError, match="broken"):
        await journal.sync()
    assert journal.synced_index == 1


@in_virtual_time
async def test_the_first_index_of_a_term_is_found() -> None:
    journal = await a_journal()
    for index, term in ((2, 1), (3, 1), (4, 3), (5, 3), (6, 4)):
        journal.add(*entry(index, term))
    assert [journal.first_of_term_at(index) for index in range(2, 7)] == [2, 2, 4, 4, 6]


def a_membership(size: int) -> bytes:
    return bytes([Command.MEMBERSHIP]) + encode_membership(members(size))


async def a_joiner_s_journal(disk: MountedDisk, *, members_index: int = 5) -> Journal:
    """Of a member that joined as the fifth, with an empty log."""
    await create_journal_file(disk, JOURNAL, first_records("c1", members(5), members_index))
    return await Journal.open(disk, JOURNAL)


@in_virtual_time
async def test_who_joins_knows_the_membership_before_it_has_the_log_and_older_entries_do_not_change_it() -> None:
    journal = await a_joiner_s_journal(a_disk())
    journal.add(a_membership(3), 2, 1)
    journal.add(*entry(3))
    assert journal.members == members(5)
    journal.deleteEntriesFrom(1)
    assert journal.members == members(5)
    for index, size in ((2, 3), (3, 4), (4, 4), (5, 5), (6, 6)):
        journal.add(a_membership(size), index, 1)
    assert journal.members == members(6)
    assert journal.memberships_from(5) == [(5, members(5)), (6, members(6))]
    assert journal.memberships_from(6) == [(6, members(6))]


@in_virtual_time
async def test_that_survives_a_compaction_a_snapshot_from_before_and_a_restart() -> None:
    disk = a_disk()
    journal = await a_joiner_s_journal(disk)
    for index in (2, 3, 4):
        journal.add(a_membership(3), index, 1)
    journal.compact(3)
    await journal.compacted()
    await journal.sync()
    assert journal.memberships_from(3) == [(5, members(5))]
    journal.restart_at(4, 1, members(3))
    await journal.sync()
    journal = await Journal.open(disk, JOURNAL)
    assert (journal.base_index, journal.members, journal.members_index) == (4, members(5), 5)
    journal.restart_at(9, 1, members(7))
    assert (journal.members, journal.members_index) == (members(7), 9)


@in_virtual_time
async def test_a_base_of_the_format_before_is_of_the_membership_at_its_index() -> None:
    disk = a_disk()
    old = Record(Kind.BASE, msgspec.msgpack.encode(["c1", 7, 2, [["m1", "m1-i", "m1:1", "m1:2"]]]))
    await create_journal_file(disk, JOURNAL, [old])
    journal = await Journal.open(disk, JOURNAL)
    assert (journal.members, journal.members_index) == ((a_member("m1"),), 7)
