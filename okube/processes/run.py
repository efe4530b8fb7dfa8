"""``okube manager --name N`` and ``okube worker --name N``: one process, in the foreground, as systemd starts it."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from okube.config import ClusterConfig, load_cluster
from okube.model.errors import BadFile, Conflict, NotFound
from okube.processes.lock import hold
from okube.processes.seed import read_cluster
from okube.processes.settings import authority_files, manager_settings, worker_settings
from okube.processes.unlocking import key_from_descriptor
from okube.security import ClusterFiles, ProcessFiles
from okube.security.seed import ProcessIdentity, Seed, read_process_identity

if TYPE_CHECKING:
    from okube.manager.standin import StandIn

__all__ = ["run_named_manager", "run_named_worker"]

_log = logging.getLogger(__name__)


def run_named_manager(config_path: Path, name: str, *, stand_in: "StandIn | None" = None) -> int:
    """Run the manager of that name until it is asked to end (SIGTERM, SIGINT); returns its exit status.

    ``stand_in`` takes the place of all agents, for a bench.

    Raises:
        NotFound: cluster.yaml has no such manager.
        BadFile: its folder, or the cluster's files, are missing or damaged.
        Conflict: it runs already, or was removed from the cluster.
    """
    from okube.manager.main import run_manager

    config = load_cluster(config_path)
    seed, identity, files = _identify(config, "manager", name)
    if files.removed.exists():
        raise Conflict(
            f"{name} was removed from the cluster, so it does not start: take it out of cluster.yaml, or have a new "
            f"one join with 'okube managers add {name}'."
        )
    settings = manager_settings(config, seed, identity, files.root)
    _move_key_of_ca(config, seed)
    unlock_key = key_from_descriptor(os.environ)
    with hold(files, what=f"manager {name}"):
        return run_manager(settings, unlock_key=unlock_key, stand_in=stand_in)


def run_named_worker(config_path: Path, name: str) -> int:
    """Run the worker of that name until it is asked to end (SIGTERM, SIGINT); returns its exit status.

    Its containers go on.

    Raises:
        NotFound: cluster.yaml has no such worker.
        BadFile: its folder, or the cluster's files, are missing or damaged.
        Conflict: it runs already.
    """
    from okube.worker.main import run_worker

    config = load_cluster(config_path)
    seed, identity, files = _identify(config, "worker", name)
    with hold(files, what=f"worker {name}"):
        return run_worker(worker_settings(config, seed, identity, files.root))


def _move_key_of_ca(config: ClusterConfig, seed: Seed) -> None:
    """Where an earlier version left it with the data; where it cannot be moved the manager goes on, and says so."""
    from okube.security.authorityfiles import move_key

    files = authority_files(config, seed.cluster_id)
    try:
        if move_key(files):
            _log.info("the key of the cluster's CA was moved out of data_dir, to %s", files.key)
    except BadFile as error:
        _log.warning("%s", error.detail)


def _identify(
    config: ClusterConfig, role: Literal["manager", "worker"], name: str
) -> tuple[Seed, ProcessIdentity, ProcessFiles]:
    named = config.managers if role == "manager" else config.workers
    if name not in {each.name for each in named}:
        known = ", ".join(each.name for each in named) or "none"
        raise NotFound(f"cluster.yaml names no {role} {name}; its {role}s are: {known}.")
    seed = read_cluster(config)
    files = ClusterFiles(config.data_dir).process(name)
    return seed, read_process_identity(files.identity), files
