import pytest

from okube.scheduler.amounts import NANOCORES, apart, write_bytes, write_nanocores
from tests.unit.scheduler.builders import GIB, MIB


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (-5, "none"),
        (0, "none"),
        (512, "512 B"),
        (1536, "1.5 KiB"),
        (512 * MIB, "512.0 MiB"),
        (1024 * MIB - 1, "1.0 GiB"),
        (2 * GIB, "2.0 GiB"),
        (3 * 1024 * GIB, "3.0 TiB"),
    ],
)
def test_bytes_are_written_in_the_largest_unit(count: int, text: str) -> None:
    assert write_bytes(count, 1) == text


@pytest.mark.parametrize(
    ("cores", "text"), [(0, "none"), (1, "1 core"), (4, "4 cores"), (0.25, "0.25 cores"), (10, "10 cores")]
)
def test_cores_are_written_without_needless_digits(cores: float, text: str) -> None:
    assert write_nanocores(round(cores * NANOCORES), 1) == text


def test_two_amounts_get_as_many_digits_as_tell_them_apart() -> None:
    assert apart(2 * GIB, GIB, write_bytes) == ("2.0 GiB", "1.0 GiB")
    assert apart(2 * GIB, 2 * GIB - 10 * MIB, write_bytes) == ("2.00 GiB", "1.99 GiB")


def test_amounts_that_differ_by_the_least_bit_are_told_apart() -> None:
    assert len(set(apart(64 * 1024 * GIB, 64 * 1024 * GIB - 1, write_bytes))) == 2
    assert len(set(apart(64 * NANOCORES, 64 * NANOCORES - 1, write_nanocores))) == 2
