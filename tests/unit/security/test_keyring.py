"""The unlock key opens the ring, the ring opens what is sealed, and nothing else does."""

import msgspec
import pytest

from okube.model.errors import InvalidInput
from okube.model.sealed import Ring
from okube.security.keyring import (
    CannotOpen,
    UnlockKey,
    WrongUnlockKey,
    new_ring,
    open_ring,
    with_new_key,
    with_unlock_key,
    without_old_keys,
)
from tests.unit.security.dice import Dice

CLUSTER = "c1"


@pytest.fixture
def dice() -> Dice:
    return Dice()


@pytest.fixture
def unlock(dice: Dice) -> UnlockKey:
    return UnlockKey.new(dice)


@pytest.fixture
def ring(dice: Dice, unlock: UnlockKey) -> Ring:
    return new_ring(CLUSTER, unlock, "k1", dice, 1000)


def test_what_is_sealed_is_opened_by_the_same_ring(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    sealed = open_ring(CLUSTER, ring, unlock, dice).seal(b"hunter2", "secret/db/1")
    assert b"hunter2" not in msgspec.msgpack.encode(sealed)
    assert open_ring(CLUSTER, ring, unlock, dice).open(sealed, "secret/db/1") == b"hunter2"


def test_the_same_value_is_never_sealed_alike_twice(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    opened = open_ring(CLUSTER, ring, unlock, dice)
    assert opened.seal(b"x", "a") != opened.seal(b"x", "a")


def test_what_is_sealed_as_one_thing_is_not_opened_as_another(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    opened = open_ring(CLUSTER, ring, unlock, dice)
    with pytest.raises(CannotOpen, match=r"secret/web/1 is damaged"):
        opened.open(opened.seal(b"x", "secret/db/1"), "secret/web/1")


def test_a_bit_that_is_turned_is_noticed(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    opened = open_ring(CLUSTER, ring, unlock, dice)
    sealed = opened.seal(b"x", "a")
    turned = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    with pytest.raises(CannotOpen):
        opened.open(msgspec.structs.replace(sealed, ciphertext=turned), "a")


def test_another_unlock_key_opens_nothing(dice: Dice, ring: Ring) -> None:
    with pytest.raises(WrongUnlockKey, match="another unlock key"):
        open_ring(CLUSTER, ring, UnlockKey.new(dice), dice)


def test_the_ring_of_another_cluster_is_not_opened(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    with pytest.raises(CannotOpen):
        open_ring("c2", ring, unlock, dice)


def test_a_new_data_key_seals_and_the_old_one_still_opens(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    old = open_ring(CLUSTER, ring, unlock, dice).seal(b"old", "a")
    longer = with_new_key(CLUSTER, ring, unlock, "k2", dice, 2000)
    opened = open_ring(CLUSTER, longer, unlock, dice)
    assert opened.seal(b"new", "a").key_id == "k2"
    assert opened.open(old, "a") == b"old"
    with pytest.raises(CannotOpen, match="data key k1, which the key ring does not have"):
        open_ring(CLUSTER, without_old_keys(longer), unlock, dice).open(old, "a")


def test_another_unlock_key_takes_over_the_same_data_keys(dice: Dice, unlock: UnlockKey, ring: Ring) -> None:
    sealed = open_ring(CLUSTER, ring, unlock, dice).seal(b"x", "a")
    new = UnlockKey.new(dice)
    wrapped = with_unlock_key(CLUSTER, ring, unlock, new, dice)
    assert open_ring(CLUSTER, wrapped, new, dice).open(sealed, "a") == b"x"
    with pytest.raises(WrongUnlockKey):
        open_ring(CLUSTER, wrapped, unlock, dice)


def test_the_written_form_of_an_unlock_key_is_read_back(unlock: UnlockKey) -> None:
    assert UnlockKey.parse(f" {unlock.text}\n") == unlock


def test_an_unlock_key_does_not_show_itself(unlock: UnlockKey) -> None:
    assert unlock.text not in f"{unlock!r} {unlock}"
    assert unlock.id in repr(unlock)


@pytest.mark.parametrize("text", ["", "okube-unlock-", "okube-unlock-abc", "hunter2", "okube-unlock-" + "é" * 43])
def test_what_is_no_unlock_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInput, match="no unlock key") as refused:
        UnlockKey.parse(text)
    assert not text.removeprefix("okube-unlock-") or text not in str(refused.value)
