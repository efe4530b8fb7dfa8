import pytest

from okube.processes.here import is_here


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.9"])
def test_own_addresses_are_here(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "m1.invalid"])
def test_addresses_of_others_and_unknown_names_are_not(host: str) -> None:
    assert not is_here(host)
