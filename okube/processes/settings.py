"""From cluster.yaml and cluster.json to what one process is told at its start."""

from collections.abc import Iterator
from pathlib import Path

from okube.config import ClusterConfig, ManagerConfig, WorkerConfig
from okube.manager.retention import Retention
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.errors import NotFound
from okube.processes.reserves import reserve_of
from okube.seams.machineid import machine_id
from okube.security.authorityfiles import AuthorityFiles
from okube.security.seed import Member, ProcessIdentity, Seed
from okube.worker.settings import WorkerSettings

__all__ = [
    "authority_files",
    "join_address",
    "key_folder",
    "manager_address",
    "manager_settings",
    "worker_settings",
]


def join_address(host: str, port: int) -> str:
    """``host:port``, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def key_folder(config: ClusterConfig, cluster_id: str) -> Path:
    """Where this machine keeps the cluster's keys."""
    return config.key_dir or Path("~/.okube/keys").expanduser() / cluster_id


def authority_files(config: ClusterConfig, cluster_id: str) -> AuthorityFiles:
    """Where this machine keeps the cluster's CA, if it does."""
    return AuthorityFiles(config.data_dir, key_folder(config, cluster_id))


def manager_address(config: ClusterConfig, seed: Seed, name: str) -> Member | ManagerConfig:
    """Where a manager listens: as the cluster was made with it, else as cluster.yaml has it.

    Raises:
        NotFound: neither knows it.
    """
    for member in seed.members:
        if member.name == name:
            return member
    for manager in config.managers:
        if manager.name == name:
            return manager
    raise NotFound(f"There is no manager {name} in cluster.yaml; it has {_listed(config.managers)}.")


def manager_settings(config: ClusterConfig, seed: Seed, identity: ProcessIdentity, directory: Path) -> ManagerSettings:
    """What a manager is told. ``directory`` is its folder."""
    manager = manager_address(config, seed, identity.name)
    return ManagerSettings(
        cluster=seed.cluster,
        cluster_id=seed.cluster_id,
        name=identity.name,
        instance=identity.instance,
        directory=directory,
        host=manager.host,
        port=manager.port,
        raft_port=manager.raft_port,
        members=tuple(
            ManagerMember(m.name, m.instance, join_address(m.host, m.raft_port), join_address(m.host, m.port))
            for m in seed.members
        ),
        admin_token_sha256=seed.admin_token_sha256,
        heartbeat_s=config.timing.heartbeat,
        node_down_after_s=config.timing.node_down_after,
        election_s=config.timing.election,
        snapshots=Retention(config.snapshots.every, config.snapshots.keep, config.snapshots.days),
        key_dir=key_folder(config, seed.cluster_id),
        data_dir=config.data_dir,
        certificate_life_s=config.certificates.life,
        scheduling=config.scheduler,
        topology=config.topology,
    )


def worker_settings(config: ClusterConfig, seed: Seed, identity: ProcessIdentity, directory: Path) -> WorkerSettings:
    """What a worker is told. ``directory`` is its folder.

    Raises:
        NotFound: cluster.yaml has no worker of that name.
    """
    worker = _worker(config, identity.name)
    managers = dict(_managers(config, seed))
    reserved_cores, reserved_memory = reserve_of(config, worker)
    return WorkerSettings(
        cluster_id=seed.cluster_id,
        name=identity.name,
        instance=identity.instance,
        directory=directory,
        host=worker.host,
        port=worker.port,
        address=join_address(worker.host, worker.port),
        managers=tuple(managers.values()),
        manager_names=tuple(managers),
        region=worker.region,
        zone=worker.zone,
        rack=worker.rack,
        named=worker.capacity.named,
        link_bps=-1 if worker.link is None else worker.link,
        labels=worker.labels,
        cores=worker.capacity.cores,
        memory=worker.capacity.memory,
        disk=worker.capacity.disk,
        reserved_cores=reserved_cores,
        reserved_memory=reserved_memory,
        runtime=config.runtime,
        docker_host=config.docker.host,
        heartbeat_s=config.timing.heartbeat,
        machine_id=machine_id(seed.cluster_id),
    )


def _managers(config: ClusterConfig, seed: Seed) -> Iterator[tuple[str, str]]:
    """Those the cluster was made with, then those that only cluster.yaml names: one may have been added since."""
    for name in dict.fromkeys(m.name for those in (seed.members, config.managers) for m in those):
        manager = manager_address(config, seed, name)
        yield name, join_address(manager.host, manager.port)


def _worker(config: ClusterConfig, name: str) -> WorkerConfig:
    for worker in config.workers:
        if worker.name == name:
            return worker
    raise NotFound(f"There is no worker {name} in cluster.yaml; it has {_listed(config.workers)}.")


def _listed(those: tuple[ManagerConfig, ...] | tuple[WorkerConfig, ...]) -> str:
    return ", ".join(each.name for each in those) or "none"
