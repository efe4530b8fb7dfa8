import msgspec

from okube.raft.acquaintances import Acquaintances
from okube.raft.journal import Command, Journal
from okube.raft.members import Known, Membership, encode_membership
from tests.unit.raft.builders import a_journal, a_member, in_virtual_time, members


def add(journal: Journal, after: Membership) -> int:
    """Append a membership; its index."""
    index = journal.last_index + 1
    journal.add(bytes([Command.MEMBERSHIP]) + encode_membership(after), index, 1)
    return index


def a_card(index: int, after: Membership) -> bytes:
    return msgspec.msgpack.encode(Known(index, after))


@in_virtual_time
async def test_a_member_that_leaves_is_spoken_with_until_that_is_committed() -> None:
    journal = await a_journal()
    known = Acquaintances("m1", "m1-i", journal)
    index = add(journal, members(2))
    assert known.refresh(index - 1)
    assert sorted(known.members) == ["m2", "m3"]
    assert known.refresh(index)
    assert sorted(known.members) == ["m2"]
    assert known.objection("m3", "m3-i") is not None


@in_virtual_time
async def test_a_member_that_joins_is_spoken_with_from_the_moment_that_its_entry_is_there() -> None:
    journal = await a_journal()
    known = Acquaintances("m1", "m1-i", journal)
    add(journal, members(4))
    assert known.refresh(1)
    assert known.objection("m4", "m4-i") is None
    assert not known.refresh(1)


@in_virtual_time
async def test_a_card_tells_of_members_that_the_own_log_does_not_know_yet() -> None:
    known = Acquaintances("m1", "m1-i", await a_journal())
    assert known.objection("m4", "m4-i") is not None
    assert known.hear(a_card(50, members(4))) is None
    assert known.refresh(1)
    assert known.objection("m4", "m4-i") is None
    assert known.hear(a_card(40, members(3))) is None
    known.refresh(1)
    assert known.objection("m4", "m4-i") is None  # the later word holds


@in_virtual_time
async def test_only_a_later_membership_tells_that_one_was_removed() -> None:
    journal = await a_journal()
    known = Acquaintances("m3", "m3-i", journal)
    assert known.hear(a_card(1, members(2))) is None
    removed = known.hear(a_card(2, members(2)))
    assert removed is not None
    assert removed.index == 2
    assert known.hear(a_card(2, (*members(2), a_member("m3")))) is None


@in_virtual_time
async def test_what_a_card_says_is_what_is_committed_here() -> None:
    journal = await a_journal()
    known = Acquaintances("m1", "m1-i", journal)
    index = add(journal, members(2))
    known.refresh(1)
    assert msgspec.msgpack.decode(known.card, type=Known) == Known(1, members(3))
    known.refresh(index)
    assert msgspec.msgpack.decode(known.card, type=Known) == Known(index, members(2))


@in_virtual_time
async def test_another_instance_of_a_member_is_told_what_to_do() -> None:
    known = Acquaintances("m1", "m1-i", await a_journal())
    objection = known.objection("m2", "wiped")
    assert objection is not None
    assert "m2 (wiped) is not the member of that name" in objection
    assert "managers remove" in objection


@in_virtual_time
async def test_no_card_and_one_of_garbage_say_nothing() -> None:
    known = Acquaintances("m1", "m1-i", await a_journal())
    for card in (b"", b"\xc1", msgspec.msgpack.encode(["x"])):
        assert known.hear(card) is None
    assert not known.refresh(1)
