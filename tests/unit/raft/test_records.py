import pytest

from okube.raft.records import MAGIC, DamagedAt, Kind, Record, Writer, read_records

RECORDS = [Record(Kind.TERM, b"one"), Record(Kind.ENTRY, b"two" * 50), Record(Kind.TRUNCATE, b"")]


def a_file(records: list[Record]) -> bytes:
    return b"".join(Writer(0, 0).whole_file(records))


def test_what_was_written_is_read() -> None:
    data = a_file(RECORDS)
    assert read_records(data) == (RECORDS, len(data))


def test_a_torn_tail_is_cut_off_wherever_it_is_torn() -> None:
    whole = a_file(RECORDS[:1])
    data = a_file(RECORDS[:2])
    for length in range(len(whole), len(data)):
        assert read_records(data[:length]) == (RECORDS[:1], len(whole))


def test_garbage_behind_the_last_record_is_cut_off() -> None:
    data = a_file(RECORDS)
    assert read_records(data + b"\xf5\x4b" + bytes(300)) == (RECORDS, len(data))


def test_damage_that_a_later_record_knows_to_have_been_synced_is_no_torn_tail() -> None:
    writer = Writer(0, 0)
    data = bytearray(b"".join(writer.whole_file(RECORDS[:1])))
    writer.synced = writer.offset
    data += writer.frame(RECORDS[1])
    data[len(MAGIC) + 21] ^= 1
    with pytest.raises(DamagedAt) as damage:
        read_records(bytes(data))
    assert damage.value.offset == len(MAGIC)


def test_a_lost_page_in_what_was_never_synced_is_a_torn_tail() -> None:
    writer = Writer(0, 0)
    first = b"".join(writer.whole_file(RECORDS[:1]))
    writer.synced = writer.offset
    lost = writer.frame(RECORDS[1])
    data = first + bytes(len(lost)) + writer.frame(RECORDS[0])
    assert read_records(data) == (RECORDS[:1], len(first))


def test_a_valid_record_at_another_place_is_not_believed() -> None:
    writer = Writer(0, 0)
    start = b"".join(writer.whole_file(RECORDS[:1]))
    record = writer.frame(RECORDS[1])
    assert read_records(start + record + record) == (RECORDS[:2], len(start) + len(record))


def test_a_file_that_is_no_journal_is_damaged() -> None:
    with pytest.raises(DamagedAt):
        read_records(b"something else")
