"""What tests on hosts share."""

from collections.abc import Iterator

import pytest

from tests.lab.rack.rack import Rack


@pytest.fixture(scope="module")
def two_hosts() -> Iterator[Rack]:
    """Two hosts for the tests of one file: ``a`` with an engine, ``b`` without."""
    with Rack(["a", "b"], engines=["a"]) as rack:
        yield rack
