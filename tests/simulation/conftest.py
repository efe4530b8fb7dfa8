"""What the simulators' tests leave as they found it."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    """A simulator's command keeps loggers quiet for its process; here other tests come after it."""
    loggers = [logging.getLogger(name) for name in ("okube", "pysyncobj")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (level, propagates) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagates
