"""What the first ``okube up`` makes, once: the CA, the admin's credentials, and a folder for each process.

It may be stopped anywhere and run again. Three rules make that so:

- ``seeding.json`` is the plan: all ids are drawn once and written before anything is made with them. When all is made,
  it becomes ``cluster.json``; from then on a manager's folder that is missing was lost, and is not made again.
- A process's folder is made under another name and renamed when it is whole.
- The CA is made only while there is none. Its key, where an earlier version kept it with the data, is moved first.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from okube.config import ClusterConfig
from okube.manager.settings import ManagerSettings
from okube.model.errors import BadFile, Conflict
from okube.model.names import new_id
from okube.processes.differences import differences
from okube.processes.folders import Folders, certify
from okube.processes.settings import authority_files, manager_settings
from okube.security import ClusterFiles, Identity, ProcessFiles, new_token, read_token, token_sha256, write_token
from okube.security.authorityfiles import AuthorityFiles, move_key
from okube.security.ca import Authority, create_ca, load_ca, save_ca
from okube.security.private import sync_folder
from okube.security.seed import Member, ProcessIdentity, Seed, read_process_identity, read_seed, write_seed

__all__ = ["Bootstrap", "Sown", "read_cluster", "seeding_file", "sow"]

Bootstrap = Callable[[ManagerSettings], None]
"""Writes the first Raft state of a manager that the cluster begins with; its folder is renamed afterwards."""


class Sown(msgspec.Struct, frozen=True):
    """What ``sow`` leaves: the cluster, why which process cannot be started, and how cluster.yaml differs."""

    seed: Seed
    unusable: dict[str, str]
    differences: tuple[str, ...]


def sow(
    config: ClusterConfig,
    *,
    bootstrap: Callable[[ManagerSettings], None],
    rng: random.Random,
    now_ms: int,
    authority: Authority | None = None,
) -> Sown:
    """Make what is missing of the cluster's files on this machine, and check what is there.

    Args:
        config: cluster.yaml.
        bootstrap: writes the first Raft state of each manager that the cluster begins with.
        rng: where ids come from.
        now_ms: milliseconds since 1970, UTC, for certificates.
        authority: the CA, where this machine need not have its key in a file.

    Raises:
        Conflict: the data directory is another cluster's, or not Okube's; nothing is changed.
        BadFile: a file in it is missing or damaged.
    """
    files = ClusterFiles(config.data_dir)
    fresh = not files.seed.exists()
    seed = _plan(config, files, rng) if fresh else read_seed(files.seed)
    _check_ours(config, files, seed)
    ca = authority_files(config, seed.cluster_id)
    move_key(ca)
    if authority is None:
        authority = _authority(ca, seed, now_ms, being_made=seeding_file(files).exists())
    if authority is not None:
        certify(authority, Identity(seed.cluster_id, "admin", "admin"), files.admin, now_ms=now_ms)
    folders = Folders(
        files,
        seed,
        authority,
        fresh,
        lambda identity, folder: bootstrap(manager_settings(config, seed, identity, folder)),
        rng,
        now_ms,
        timedelta(seconds=config.certificates.life),
    )
    problems = {m.name: folders.manager(m) for m in config.managers}
    problems |= {w.name: folders.worker(w) for w in config.workers}
    if fresh:
        seeding_file(files).replace(files.seed)
        sync_folder(files.data_dir)
    made = [name for name in problems if files.process(name).identity.exists()]
    unusable = {name: problem for name, problem in problems.items() if problem}
    return Sown(seed, unusable, tuple(differences(config, seed, made)))


def read_cluster(config: ClusterConfig) -> Seed:
    """The cluster that was made of ``config``.

    Raises:
        BadFile: none was, or its file is damaged.
        Conflict: the data directory is another cluster's.
    """
    files = ClusterFiles(config.data_dir)
    if not files.seed.exists():
        raise BadFile(f"There is no cluster in {config.data_dir} yet: run 'okube up' first.")
    seed = read_seed(files.seed)
    _check_ours(config, files, seed)
    return seed


def seeding_file(files: ClusterFiles) -> Path:
    """The plan of a cluster that is being made."""
    return files.seed.with_name("seeding.json")


def _plan(config: ClusterConfig, files: ClusterFiles, rng: random.Random) -> Seed:
    if seeding_file(files).exists():
        return read_seed(seeding_file(files))
    _refuse_remains(config, files)
    if not files.admin_token.exists():
        write_token(files.admin_token, new_token())
    members = tuple(Member(m.name, new_id(rng), m.host, m.port, m.raft_port) for m in config.managers)
    seed = Seed(config.cluster, new_id(rng), token_sha256(read_token(files.admin_token)), members)
    write_seed(seeding_file(files), seed)
    return seed


def _refuse_remains(config: ClusterConfig, files: ClusterFiles) -> None:
    named = [files.process(name).root for name in _roles(config)]
    remains = [path for path in (files.ca_dir, *named) if path.exists()]
    if remains:
        raise Conflict(
            f"{config.data_dir} holds {', '.join(path.name for path in remains)} and no cluster.json: it is what is "
            "left of a cluster, or not Okube's. Restore cluster.json from a backup, or name another data_dir; nothing "
            "is changed."
        )


def _check_ours(config: ClusterConfig, files: ClusterFiles, seed: Seed) -> None:
    if seed.cluster != config.cluster:
        raise Conflict(
            f"{config.data_dir} holds the data of cluster {seed.cluster}, and cluster.yaml describes "
            f"{config.cluster}: give it another data_dir. Nothing is changed or started."
        )
    for name, role in _roles(config).items():
        folder = files.process(name)
        identity = _identity_in(folder)
        if identity is None:
            continue
        if identity.cluster_id != seed.cluster_id:
            raise Conflict(
                f"{folder.root} is of another cluster (id {identity.cluster_id}, this one is {seed.cluster_id}): "
                "take it away. Nothing is changed or started."
            )
        if (identity.role, identity.name) != (role, name):
            raise Conflict(
                f"{folder.root} is that of {identity.role} {identity.name}, and cluster.yaml names {role} {name}: "
                f"give the {role} another name. Nothing is changed or started."
            )


def _identity_in(folder: ProcessFiles) -> ProcessIdentity | None:
    """Whose folder it is; None where there is none, or another user's, whose process looks at it itself."""
    try:
        return read_process_identity(folder.identity) if folder.identity.exists() else None
    except PermissionError:
        return None


def _roles(config: ClusterConfig) -> dict[str, str]:
    return {m.name: "manager" for m in config.managers} | {w.name: "worker" for w in config.workers}


def _authority(files: AuthorityFiles, seed: Seed, now_ms: int, *, being_made: bool) -> Authority | None:
    if not being_made and not (files.key.exists() and files.certificate.exists()):
        return None  # a machine of the cluster that the CA's key is kept off
    if not files.certificate.exists():
        save_ca(create_ca(seed.cluster, seed.cluster_id, now_ms=now_ms), files)
    return load_ca(files)
