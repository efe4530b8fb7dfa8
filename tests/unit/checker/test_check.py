"""Histories whose verdict is known, most of them from the papers and from what stores have really done."""

import random
from pathlib import Path

import pytest

from tests.checker import Operation, Recorder, Undecided, Value, check, load, save
from tests.unit.checker.builders import cas, read, write

GOOD = {
    "nothing": [],
    "a key begins with nothing": [read(None, 0, 1)],
    "a read during a write sees the value before": [write(1, 0, 1), write(2, 2, 6), read(1, 3, 4)],
    "or the value that is being written": [write(1, 0, 1), write(2, 2, 6), read(2, 3, 4)],
    "of two reads during a write, the later sees no less": [
        write(1, 0, 1), write(2, 2, 9), read(1, 3, 4), read(2, 5, 6),
    ],
    "writes at one time may come in any order": [write(1, 0, 5), write(2, 0, 5), read(1, 6, 7)],
    "what returned in the moment in which another began may come after it": [write(1, 0, 1), read(None, 1, 2)],
    "an unknown write was done long after": [write(1, 0), read(None, 5, 6), read(1, 7, 8)],
    "an unknown write was never done": [write(1, 0), read(None, 5, 6), read(None, 7, 8)],
    "an unknown write was done between two others": [write(9, 0), write(1, 1, 2), read(9, 3, 4), write(2, 5, 6)],
    "a cas takes the value that it expects": [write(1, 0, 1), cas(1, 2, 2, 3, done=True), read(2, 4, 5)],
    "a cas is refused while another value is there": [write(1, 0, 1), cas(5, 2, 2, 3, done=False), read(1, 4, 5)],
    "a cas on nothing": [cas(None, 1, 0, 1, done=True), read(1, 2, 3)],
    "of two at one time, one is refused": [
        write(1, 0, 1), cas(1, 2, 2, 9, done=True), cas(1, 3, 2, 9, done=False), read(2, 10, 11),
    ],
    "a refusal tells of an unknown write": [write(1, 0, 1), write(2, 2), cas(1, 3, 5, 6, done=False), read(2, 7, 8)],
    "an unknown cas was done after an unknown write": [write(1, 0), cas(1, 2, 0), read(2, 5, 6)],
    "an unknown cas did nothing": [write(7, 0, 1), cas(1, 2, 0), read(7, 5, 6)],
    "a long read waits for a write that waits for another": [write(1, 0, 1), read(7, 0, 10), write(7, 2, 3)],
    "a write that nobody saw was there when a cas was refused": [
        write(None, 0, 9), write(1, 0, 9), cas(None, 5, 1, 2, done=False),
    ],
    "a write that nobody saw came before an unknown one": [
        read(7, 0, 4), write(5, 2, 9), write(7, 3), cas(7, 8, 3, 9, done=True), read(8, 8, 12),
    ],
    "the same value twice": [write(1, 0, 1), write(2, 2, 3), write(1, 4, 5), read(1, 6, 7)],
    "the same value, beside another": [write(1, 0, 1), write(1, 2, 9), write(2, 2, 9), read(1, 10, 11)],
}  # fmt: skip

BAD = {
    "a read of what nobody wrote": [read(4, 0, 1)],
    "an acknowledged write is lost": [write(1, 0, 1), read(None, 2, 3)],
    "a stale read": [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)],
    "a read from the future": [read(1, 0, 1), write(1, 2, 3)],
    "new and then old, while it is written": [write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6)],
    "two readers see two writes in two orders": [
        write(1, 0, 9), write(2, 0, 9), read(1, 10, 11), read(2, 12, 13), read(1, 14, 15),
    ],
    "an unknown write comes back": [write(9, 0), read(9, 1, 2), write(1, 3, 4), read(9, 5, 6)],
    "two cas of one value": [write(1, 0, 1), cas(1, 2, 2, 9, done=True), cas(1, 3, 2, 9, done=True)],
    "a cas that was refused for no reason": [write(1, 0, 1), cas(1, 2, 2, 3, done=False)],
    "a cas that was refused has been done": [write(1, 0, 1), cas(5, 2, 2, 3, done=False), read(2, 4, 5)],
    "a cas over a value that is not there": [write(1, 0, 1), cas(5, 2, 2, 3, done=True)],
    "an unknown cas that cannot have been": [write(1, 0, 1), cas(5, 2, 0), read(2, 4, 5)],
    "an unknown write done twice": [write(9, 0), read(9, 1, 2), cas(9, 1, 3, 4, done=True), read(9, 5, 6)],
}  # fmt: skip


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD.keys())
def test_what_has_an_order_is_accepted(history: list[Operation]) -> None:
    assert check(history) is None


@pytest.mark.parametrize("history", BAD.values(), ids=BAD.keys())
def test_what_has_none_is_found(history: list[Operation]) -> None:
    violation = check(history)
    assert violation is not None
    assert violation.key == "k"


def test_keys_are_checked_apart() -> None:
    good = [Operation("c", "other", "write", 0, 1, value=1), Operation("c", "other", "read", 2, 3, result=1)]
    assert check([*good, write(2, 0, 1), read(2, 2, 3)]) is None
    violation = check([*good, write(2, 0, 1), read(1, 2, 3)])
    assert violation is not None
    assert violation.key == "k"


def test_what_is_shown_is_what_is_needed() -> None:
    before = [
        step
        for number in range(50)
        for step in (write(number, number, number + 0.2), read(number, number + 0.4, number + 0.6))
    ]
    after = [write(number, number, number + 0.2) for number in range(60, 90)]
    violation = check([*before, read(48, 52, 53), *after])
    assert violation is not None
    assert violation.operations == [write(48, 48, 48.2), write(49, 49, 49.2), read(48, 52, 53)]
    assert "wrote 49" in str(violation)
    assert "k: no order" in str(violation)


def test_a_long_history_of_many_clients_is_decided() -> None:
    assert check(_of_a_real_register(random.Random(1), operations=10_000, clients=16, keys=4)) is None


def test_one_lost_write_in_a_long_history_is_found() -> None:
    history = _of_a_real_register(random.Random(2), operations=4000, clients=8, keys=2)
    place = next(number for number, op in enumerate(history) if number > 2000 and op.kind == "read")
    key = history[place].key
    seen = [op.result for op in history[:1000] if op.kind == "read" and op.key == key]
    history[place] = Operation(
        "liar", key, "read", history[place].invoked_s, history[place].returned_s, result=seen[-1]
    )
    violation = check(history)
    assert violation is not None
    assert violation.key == key
    assert len(violation.operations) < 10


def test_it_says_when_it_cannot_decide() -> None:
    history = [write(number, 0, 10) for number in range(12)] + [read(number, 0, 10) for number in (1, 2, 3)]
    with pytest.raises(Undecided, match="no answer after 3 places"):
        check([*history, read(99, 0, 10)], most_places=3)


def test_a_recorder_leaves_out_what_had_no_effect_and_keeps_what_nobody_knows() -> None:
    moments = iter(range(100))
    recorder = Recorder(lambda: float(next(moments)))
    recorder.begin("a", "k", "write", value=1).done()
    recorder.begin("a", "k", "write", value=2).failed()
    recorder.begin("a", "k", "cas", value=3, expected=1)
    recorder.begin("b", "k", "read").done(3)
    assert recorder.operations == [
        Operation("a", "k", "write", 0, 1, value=1),
        Operation("a", "k", "cas", 3, None, value=3, expected=1),
        Operation("b", "k", "read", 4, 5, result=3),
    ]
    assert check(recorder.operations) is None


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    history = [step for steps in (*GOOD.values(), *BAD.values()) for step in steps]
    save(tmp_path / "history", history)
    assert load(tmp_path / "history") == history


def _of_a_real_register(rng: random.Random, *, operations: int, clients: int, keys: int) -> list[Operation]:
    """What clients see of registers that do each operation at one moment between its call and its return."""
    free_at = [0.0] * clients
    calls = []
    for _ in range(operations):
        client = min(range(clients), key=free_at.__getitem__)
        begun = free_at[client] + rng.uniform(0, 0.01)
        ended = begun + rng.uniform(0.001, 0.05)
        free_at[client] = ended
        calls.append((rng.uniform(begun, ended), begun, ended, client))
    state: dict[str, Value] = {}
    history = []
    for number, (_, begun, ended, client) in enumerate(sorted(calls)):
        key = f"k{rng.randrange(keys)}"
        kind = rng.choice(["read", "write", "cas"])
        if kind == "read":
            history.append(Operation(f"c{client}", key, "read", begun, ended, result=state.get(key)))
            continue
        is_unknown = rng.random() < 0.01
        if kind == "write":
            state[key] = number
            history.append(Operation(f"c{client}", key, "write", begun, None if is_unknown else ended, value=number))
            continue
        expected = state.get(key) if rng.random() < 0.8 else number - 1
        done = state.get(key) == expected
        if done:
            state[key] = number
        end, result = (None, None) if is_unknown else (ended, done)
        history.append(Operation(f"c{client}", key, "cas", begun, end, value=number, expected=expected, result=result))
    return history
