from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from okube.client.address import Address
from okube.client.retry import Caller
from tests.unit.client.playing import Behaviour, Certificates, Hanging, Manager, new_caller


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="session")
def foreign_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("foreign"), cluster_id="z9x8w7v6")


@pytest.fixture
def play(certificates: Certificates) -> Iterator[Callable[..., Manager]]:
    """Starts managers, and stops them at the test's end."""
    with ExitStack() as stack:

        def start(behave: Behaviour, own: Certificates | None = None) -> Manager:
            manager = Manager(own or certificates, behave).start()
            stack.callback(manager.stop)
            return manager

        yield start


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    one = Hanging()
    yield one
    one.stop()


@pytest.fixture
def caller(certificates: Certificates) -> Iterator[Callable[..., Caller]]:
    """Makes callers with the admin's credentials, and closes them at the test's end."""
    with ExitStack() as stack:

        def make(*managers: Address, own: Certificates | None = None, **options: Any) -> Caller:
            one = new_caller(own or certificates, *managers, **options)
            stack.callback(one.close)
            return one

        yield make
