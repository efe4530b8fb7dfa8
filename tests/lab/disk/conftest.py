"""One cluster for all that goes wrong with disks; each manager's folder is a disk of its own."""

from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster
from tests.lab.disk.small import SmallDisks


@pytest.fixture(scope="package")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, SmallDisks]]:
    cluster = Cluster(tmp_path_factory.mktemp("full"), runtime="process", workers=1)
    cluster.up()
    cluster.ok("down")
    disks = SmallDisks(cluster, "128m")
    try:
        cluster.up()
        yield cluster, disks
        assert "Traceback (most recent call last)" not in cluster.logs()
        assert "truncating already-applied" not in cluster.logs()
    finally:
        cluster.okube("down")
        disks.remove()
        cluster.destroy()
