"""The digest depends on the rows that are there, and on nothing that happened on the way to them."""

import random

import msgspec

from okube.state.digest import Digest


class Row(msgspec.Struct, frozen=True):
    name: str
    value: int


def _of(*rows: Row) -> str:
    digest = Digest()
    for row in rows:
        digest.swap("rows", None, row)
    return digest.hex()


def test_rows_that_were_replaced_leave_no_trace_however_long_they_were_there() -> None:
    rng = random.Random(1)
    digest = Digest()
    rows: dict[str, Row] = {}
    for number in range(20_000):
        name = f"r{rng.randrange(5000)}"
        new = Row(name, number)
        digest.swap("rows", rows.get(name), new)
        rows[name] = new
        if number % 3000 == 0:
            assert digest.hex() == _of(*rows.values())
    for name in list(rows)[:2500]:
        digest.swap("rows", rows.pop(name), None)
    assert digest.hex() == _of(*reversed(rows.values()))


def test_no_rows_have_the_digest_of_nothing() -> None:
    digest = Digest()
    row = Row("a", 1)
    digest.swap("rows", None, row)
    digest.swap("rows", row, None)
    assert digest.hex() == Digest().hex() == "0" * 64


def test_the_same_row_twice_counts_twice_and_goes_once_at_a_time() -> None:
    digest = Digest()
    row = Row("a", 1)
    digest.swap("rows", None, row)
    once = digest.hex()
    digest.swap("rows", None, row)
    digest.swap("rows", None, row)
    digest.swap("rows", row, None)
    assert digest.hex() != once
    digest.swap("rows", row, None)
    assert digest.hex() == once


def test_a_row_is_another_one_in_another_table() -> None:
    one, other = Digest(), Digest()
    one.swap("rows", None, Row("a", 1))
    other.swap("lines", None, Row("a", 1))
    assert one.hex() != other.hex()
