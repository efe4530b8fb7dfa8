import msgspec
import pytest

from okube.manager.ca_change import begin, finish, give_up, next_step, proceed, waits_for
from okube.model.authority import Authorities, KeptCa
from okube.model.errors import Conflict
from okube.model.sealed import Sealed
from okube.model.wire import Papers


def a_ca(name: str) -> KeptCa:
    return KeptCa(name, f"certificate of {name}\n".encode(), Sealed("k1", b"n" * 12, b"sealed"))


def shows(found: Authorities, signer: str | None = None) -> Papers:
    """Who believes these CAs, and has a certificate of the one that signs, or of another."""
    return Papers(msgspec.structs.replace(found, signer=signer or found.signer).mark, 0, 1000)


ALONE = Authorities("a", (a_ca("a"),), revision=3)
SPREADING = msgspec.structs.replace(begin(ALONE, a_ca("b"), 7, "alice").authorities, revision=4)
SIGNING = msgspec.structs.replace(SPREADING, signer="b", revision=5)
BELIEVES, RENEWED = shows(SPREADING), shows(SIGNING)


def test_at_first_both_are_believed_and_the_older_one_signs() -> None:
    command = begin(ALONE, a_ca("b"), 7, "alice")
    assert (command.before, command.by, command.what) == (3, "alice", "began")
    assert SPREADING.signer == "a"
    assert SPREADING.trusted == b"certificate of a\ncertificate of b\n"


def test_a_second_change_has_to_wait_for_the_first() -> None:
    with pytest.raises(Conflict, match="coming already"):
        begin(SPREADING, a_ca("c"), 8, "alice")


@pytest.mark.parametrize("late", [None, shows(ALONE)])
def test_the_newer_one_signs_only_when_all_believe_it(late: Papers | None) -> None:
    papers = {"m1": BELIEVES, "w1": late}
    assert next_step(SPREADING, papers) is None
    assert waits_for(SPREADING, papers) == ["w1"]
    step = next_step(SPREADING, {"m1": BELIEVES, "w1": BELIEVES})
    assert step is not None
    assert (step.authorities.signer, step.before, step.what) == ("b", 4, "signs")


def test_nothing_is_to_be_done_where_nothing_changes() -> None:
    assert next_step(ALONE, {"m1": shows(ALONE)}) is None
    assert next_step(SIGNING, {"m1": RENEWED}) is None
    assert waits_for(ALONE, {"m1": None}) == []


def test_who_does_not_want_to_wait_has_it_sign() -> None:
    assert proceed(SPREADING, "alice").authorities.signer == "b"
    for found in (ALONE, SIGNING):
        with pytest.raises(Conflict):
            proceed(found, "alice")


def test_the_older_one_is_believed_until_all_have_renewed() -> None:
    with pytest.raises(Conflict, match="m1 would be shut out"):
        finish(SIGNING, {"m1": BELIEVES, "w1": RENEWED}, "alice", force=False)
    command = finish(SIGNING, {"m1": RENEWED, "w1": RENEWED}, "alice", force=False)
    assert command.authorities.kept == (a_ca("b"),)
    assert (command.authorities.signer, command.authorities.coming) == ("b", "")


def test_with_force_somebody_is_shut_out() -> None:
    assert finish(SIGNING, {"m1": None}, "alice", force=True).authorities.kept == (a_ca("b"),)


@pytest.mark.parametrize("force", [False, True])
def test_the_older_one_goes_on_while_the_newer_one_does_not_sign(force: bool) -> None:
    for found in (ALONE, SPREADING):
        with pytest.raises(Conflict):
            finish(found, {"m1": BELIEVES}, "alice", force=force)


def test_a_change_can_be_given_up_until_the_newer_one_signs() -> None:
    assert give_up(SPREADING, "alice").authorities == Authorities("a", (a_ca("a"),))
    for found in (ALONE, SIGNING):
        with pytest.raises(Conflict, match="nothing to give up"):
            give_up(found, "alice")
