"""What the lab gives to its tests: a Docker Engine of their own."""

import contextlib
import os
from collections.abc import Iterator

import msgspec
import pytest

from okube.worker.runtime.docker.transport import connect
from tests.lab.engine import IMAGE, Engine, ensure_image


class DockerEngine(msgspec.Struct, frozen=True):
    """Where an engine answers, and an image that it has (busybox with a shell)."""

    base_url: str
    image: str


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """One engine for the whole run: that of OKUBE_TEST_DOCKER_HOST (``unix://…``), else one started here."""
    given = os.environ.get("OKUBE_TEST_DOCKER_HOST")
    if given:
        with contextlib.closing(connect(given, timeout_s=30)) as client:
            ensure_image(client)
        yield DockerEngine(given, IMAGE)
        return
    engine = Engine.create()
    try:
        yield DockerEngine(engine.base_url, engine.image)
    finally:
        engine.destroy()


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """An engine for one test, which may kill it."""
    engine = Engine.create()
    try:
        yield engine
    finally:
        engine.destroy()
