"""How cluster.yaml differs from the cluster that was made of it: named for a person, never applied silently."""

from okube.config import ClusterConfig, ManagerConfig
from okube.security.seed import Member, Seed

__all__ = ["differences"]


def differences(config: ClusterConfig, seed: Seed) -> list[str]:
    """A sentence for each manager that the file and the cluster see differently; changed workers are no difference."""
    members = {m.name: m for m in seed.members}
    configured = {m.name: m for m in config.managers}
    found = [
        f"cluster.yaml names manager {name}, which is no member of the cluster: it is not started, for the "
        "managers of a cluster cannot be changed yet."
        for name in configured.keys() - members.keys()
    ]
    found += [
        f"Manager {name} is a member of the cluster and not in cluster.yaml: it is not started here, and stays "
        "a member, for the managers of a cluster cannot be changed yet."
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
