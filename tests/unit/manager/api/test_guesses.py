"""Wrong tokens: a few are refused one by one, many are slowed down, and the right one is let in all the while."""

from okube.manager.api.guesses import Guesses
from tests.unit.manager.conftest import TOKEN, Api

HERE, THERE = "192.0.2.7", "192.0.2.8"


def _shown(guesses: Guesses, address: str, *tokens: str, at_s: float = 0.0) -> None:
    for token in tokens:
        guesses.note(address, token, at_s)


def test_many_different_tokens_are_guessing_and_only_at_that_address() -> None:
    guesses = Guesses()
    _shown(guesses, HERE, *(f"{number:064}"[::-1] for number in range(20)))
    assert guesses.is_guessing(HERE, 1.0)
    assert not guesses.is_guessing(THERE, 1.0)


def test_the_same_wrong_token_again_and_again_is_no_guess() -> None:
    guesses = Guesses()
    _shown(guesses, HERE, *["an old one"] * 1000)
    assert not guesses.is_guessing(HERE, 1.0)


def test_it_is_over_after_a_while() -> None:
    guesses = Guesses()
    _shown(guesses, HERE, *(f"{number:064}"[::-1] for number in range(20)))
    assert not guesses.is_guessing(HERE, 60.0)
    _shown(guesses, HERE, "one more", at_s=61.0)
    assert not guesses.is_guessing(HERE, 61.0)


def test_many_addresses_take_no_room_without_bound() -> None:
    guesses = Guesses()
    for number in range(10_000):
        guesses.note(f"192.0.2.{number}", "x", 0.0)
    assert len(guesses._of) <= 4096


async def test_who_guesses_is_told_to_slow_down_and_the_right_token_is_let_in(api: Api) -> None:
    api.gate.limits = type(api.gate.limits)(pause_s=0.0)
    told = [(await api("GET", "/v1/services", token=f"okube-guess-{number}")).status for number in range(25)]
    assert told == [401] * 20 + [429] * 5
    assert (await api("GET", "/v1/services", token=TOKEN)).status == 200
    records = (await api("GET", "/v1/audit")).body["records"]
    assert sorted((record["status"], record.get("count", 1)) for record in records) == [(401, 20), (429, 5)]
