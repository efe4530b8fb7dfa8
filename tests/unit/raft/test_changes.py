import msgspec
import pytest

from okube.raft.changes import MAX_MEMBERS, joined, left, promoted, readdressed
from okube.raft.errors import Conflict, NotFound
from okube.raft.members import Member, decode_membership, encode_membership, voters
from tests.unit.raft.builders import a_member, members

ALL = ("m1", "m2", "m3", "m4", "m5")


def test_a_new_member_learns_first_whatever_it_says_of_itself() -> None:
    grown = joined(members(3), a_member("m4"))
    assert voters(grown) == ("m1", "m2", "m3")
    assert voters(promoted(grown, "m4")) == ("m1", "m2", "m3", "m4")


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (a_member("m2"), "m2 is a manager of this cluster already"),
        (Member("m4", "m4-i", "m1:1", "m4:2"), "m1:1 is the address of m1"),
        (Member("m4", "m4-i", "m4:1", "m3:2"), "m3:2 is the address of m3"),
        (Member("m4", "m4-i", "m3:2", "m4:2"), "m3:2 is the address of m3"),
    ],
)
def test_names_and_addresses_are_given_once(new: Member, reason: str) -> None:
    with pytest.raises(Conflict, match=reason):
        joined(members(3), new)


def test_one_member_joins_at_a_time_and_seven_are_the_most() -> None:
    with pytest.raises(Conflict, match="m4 is joining"):
        joined(joined(members(3), a_member("m4")), a_member("m5"))
    with pytest.raises(Conflict, match="7 are the most"):
        joined(members(MAX_MEMBERS), a_member("m8"))


def test_a_member_that_is_left_out_is_gone_and_nobody_else() -> None:
    assert voters(left(members(3), "m2", None, answering=ALL)) == ("m1", "m3")
    with pytest.raises(NotFound, match="no manager m9; there are m1, m2, m3"):
        left(members(3), "m9", None, answering=ALL)


def test_the_last_member_stays() -> None:
    with pytest.raises(Conflict, match="m1 is the only manager"):
        left(members(1), "m1", None, answering=ALL)
    with pytest.raises(Conflict, match="m1 is the only manager"):
        left(joined(members(1), a_member("m2")), "m1", None, answering=ALL)


def test_a_member_stays_without_which_those_that_answer_were_no_majority() -> None:
    assert voters(left(members(3), "m3", None, answering=("m1", "m2"))) == ("m1", "m2")
    with pytest.raises(Conflict, match=r"without m2 .* no majority: m3 does not answer"):
        left(members(3), "m2", None, answering=("m1", "m2"))
    assert voters(left(members(5), "m4", None, answering=("m1", "m2", "m3"))) == ("m1", "m2", "m3", "m5")


def test_one_that_learns_can_always_be_taken_out_again() -> None:
    grown = joined(members(3), a_member("m4"))
    assert left(grown, "m4", None, answering=("m1", "m2")) == members(3)


def test_a_member_that_was_replaced_meanwhile_is_not_taken_out_for_the_one_before() -> None:
    with pytest.raises(Conflict, match="m2 is instance m2-i now, not older"):
        left(members(3), "m2", "older", answering=ALL)


def test_memberships_of_the_format_before_are_of_voters() -> None:
    old = msgspec.msgpack.encode([["m1", "m1-i", "m1:1", "m1:2"]])
    assert decode_membership(old) == (a_member("m1"),)
    assert decode_membership(encode_membership(members(2))) == members(2)


def test_a_member_is_reached_elsewhere_and_is_the_same_member() -> None:
    before = members(3)
    after = readdressed(before, "m2", raft_address="m9:1", api_address="m9:2")
    assert after[1] == msgspec.structs.replace(before[1], raft_address="m9:1", api_address="m9:2")
    assert (after[0], after[2]) == (before[0], before[2])
    assert voters(after) == voters(before)


def test_one_that_is_there_already_changes_nothing() -> None:
    before = members(3)
    assert readdressed(before, "m2", raft_address=before[1].raft_address, api_address="m2:2") is before


def test_a_member_does_not_move_to_where_another_is() -> None:
    with pytest.raises(Conflict, match="m3:1 is the address of m3"):
        readdressed(members(3), "m2", raft_address="m3:1", api_address="m2:2")
    with pytest.raises(NotFound):
        readdressed(members(3), "m9", raft_address="m9:1", api_address="m9:2")
