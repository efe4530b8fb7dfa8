"""Real managers under mixed faults and a steady load lose nothing and contradict nobody."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.raft.site import Site
from tests.lab.raft.soak import soak

_SECONDS = float(os.environ.get("OKUBE_RAFT_SOAK_S", "25"))  # `make soak` plays ten minutes
_SEED = int(os.environ.get("OKUBE_RAFT_SOAK_SEED", "1"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.destroy()


def test_mixed_faults_under_load_lose_nothing_that_was_acknowledged(site: Site) -> None:
    soak(site, random.Random(_SEED), seconds=_SECONDS, calm_s=1.0, fault_s=3.0)
