"""One cluster of three managers for all that asks them badly; after each test it serves, and no manager has a trace."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller

_CAPACITY = {"cores": 64, "memory": "64G", "disk": "500G"}


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("edges"), runtime="process", node_down_after="8s", capacity=_CAPACITY)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def caller(cluster: Cluster) -> Iterator[Caller]:
    """Calls as the admin; at the end every manager serves, and none has logged a trace."""
    made = Caller(cluster)
    yield made
    for manager in cluster.managers:
        cluster.wait(partial(made.serves, manager), f"{manager} serves")
    assert "Traceback (most recent call last)" not in cluster.logs()
