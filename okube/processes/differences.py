"""How cluster.yaml differs from the cluster that was made of it: named for a person, never applied silently."""

from collections.abc import Collection

from okube.config import ClusterConfig, ManagerConfig
from okube.security.seed import Member, Seed

__all__ = ["differences"]


def differences(config: ClusterConfig, seed: Seed, made: Collection[str] = ()) -> list[str]:
    """A sentence for each manager that the file and the cluster see differently; changed workers are no difference.

    ``made`` are the processes that have a folder here: one that joined since cluster.json was written has one.
    """
    members = {m.name: m for m in seed.members}
    configured = {m.name: m for m in config.managers}
    found = [
        f"cluster.yaml names manager {name}, which is no manager of the cluster as far as is known here: 'okube "
        f"managers add {name}' has it join."
        for name in configured.keys() - members.keys() - set(made)
    ]
    found += [
        f"Manager {name} is a manager of the cluster as far as is known here, and not in cluster.yaml: it is not "
        f"started here, and stays one until 'okube managers remove {name}'."
        for name in members.keys() - configured.keys()
    ]
    found += [
        f"Manager {name} is {_where(members[name])} for the cluster and {_where(configured[name])} in cluster.yaml: "
        "the cluster's address holds."
        for name in configured.keys() & members.keys()
        if _where(configured[name]) != _where(members[name])
    ]
    return sorted(found)


def _where(manager: Member | ManagerConfig) -> str:
    return f"{manager.host}:{manager.port} (Raft {manager.raft_port})"
