import random

import pytest

from okube.model.names import ID_LENGTH, RESERVED_NAMES, is_dns_label, name_error, new_id


@pytest.mark.parametrize("name", ["a", "7", "web", "web-1", "1st", "a--b", "x" * 63])
def test_names(name: str) -> None:
    assert is_dns_label(name)
    assert name_error(name) is None


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a_b", "a b", "a\n", "é", "٣", "x" * 64, "a/b", "*"])
def test_what_is_no_name(name: str) -> None:
    assert not is_dns_label(name)
    assert "is not a name: 1 to 63 of a-z, 0-9 and '-'" in str(name_error(name))


def test_ids_are_names_and_spell_no_words() -> None:
    ids = {new_id(random.Random(seed)) for seed in range(200)}
    assert len(ids) == 200
    assert all(is_dns_label(each) and len(each) == ID_LENGTH for each in ids)
    assert not set("aeiou01l") & set("".join(ids))


def test_ids_come_from_the_chance_they_are_given() -> None:
    assert new_id(random.Random(7)) == new_id(random.Random(7))


def test_reserved_names_are_names() -> None:
    assert all(is_dns_label(name) for name in RESERVED_NAMES)
