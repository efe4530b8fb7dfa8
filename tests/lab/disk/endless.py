"""Large writes without end, on a small disk: minutes, so `make soak` names it and `make test` does not collect it."""

from tests.lab.cluster import Cluster
from tests.lab.disk.small import SmallDisks
from tests.lab.disk.writers import Writers

_PADDING = 200_000
_WRITES = 1000


def test_writes_without_end_take_a_bounded_part_of_the_disk(small: tuple[Cluster, SmallDisks]) -> None:
    cluster, disks = small
    largest = 0
    with Writers(cluster, padding=_PADDING, keep=False) as writers:
        while len(writers.acknowledged) < _WRITES:
            writers.more(10)
            largest = max(largest, *(disks.used(name) for name in cluster.managers))
    print(f"{len(writers.acknowledged)} writes of {_PADDING // 1000} kB: {largest / 1e6:.0f} MB at most")
    assert largest < 100e6
    assert all(manager["state"] == "ready" for manager in cluster.json("status")["managers"])
