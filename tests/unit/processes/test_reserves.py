"""What workers keep back of their machines."""

from pathlib import Path

import pytest

from okube.config import ClusterConfig, ManagerConfig, Reserve, WorkerConfig
from okube.processes.reserves import reserve_of

ALONE = WorkerConfig(name="w1", host="192.0.2.21", port=7201)
BESIDE = WorkerConfig(name="w2", host="192.0.2.11", port=7201)


def a_config(reserve: Reserve | None = None) -> ClusterConfig:
    manager = ManagerConfig(name="m1", host="192.0.2.11", port=7101)
    return ClusterConfig(
        cluster="lab",
        data_dir=Path("/data"),
        managers=(manager,),
        workers=(ALONE, BESIDE),
        reserve=reserve or Reserve(),
    )


def test_a_worker_beside_a_manager_keeps_back_more() -> None:
    assert reserve_of(a_config(), ALONE) == (0.1, 256 << 20)
    assert reserve_of(a_config(), BESIDE) == (0.5, 768 << 20)


@pytest.mark.parametrize("worker", [ALONE, BESIDE])
def test_what_the_file_says_for_all_wins_over_the_defaults(worker: WorkerConfig) -> None:
    assert reserve_of(a_config(Reserve(cores=1.0, memory=0)), worker) == (1.0, 0)


def test_what_a_worker_says_wins_over_what_the_file_says_for_all() -> None:
    worker = WorkerConfig(name="w3", host="192.0.2.11", port=7201, reserve=Reserve(memory=1 << 30))
    assert reserve_of(a_config(Reserve(cores=1.0, memory=0)), worker) == (1.0, 1 << 30)
