"""What a worker keeps back of its machine, so that tasks never take what the machine, its agent or a manager need."""

from okube.config import ClusterConfig, WorkerConfig
from okube.config.hosts import canonical_host

__all__ = ["AGENT_RESERVE", "MANAGER_RESERVE", "reserve_of"]

AGENT_RESERVE = (0.1, 256 << 20)
"""Cores, and bytes of memory: for the machine and the agent."""
MANAGER_RESERVE = (0.4, 512 << 20)
"""The same on top, where a manager shares the machine."""


def reserve_of(config: ClusterConfig, worker: WorkerConfig) -> tuple[float, int]:
    """Cores and bytes: what the worker says, else what the file says for all, else the defaults."""
    beside = canonical_host(worker.host) in {canonical_host(manager.host) for manager in config.managers}
    cores, memory = AGENT_RESERVE
    if beside:
        cores, memory = cores + MANAGER_RESERVE[0], memory + MANAGER_RESERVE[1]
    for given in (config.reserve, worker.reserve):
        cores = cores if given.cores is None else given.cores
        memory = memory if given.memory is None else given.memory
    return cores, memory
