"""``okube down``: ends the cluster's processes and containers on this machine; the data stays, unless it is purged."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, load_cluster
from okube.model.errors import BadFile, OkubeError
from okube.processes.end import end
from okube.processes.engine import EngineUnavailable, end_engine, start_again
from okube.processes.engine_record import EngineRecord
from okube.processes.lock import Running, one_at_a_time, runs_in
from okube.processes.packages import InstallFailed
from okube.processes.purge import purge_data, refuse_foreign
from okube.processes.settings import key_folder
from okube.seams.daemon import LEAVE
from okube.security import ClusterFiles, ProcessFiles
from okube.security.seed import ProcessIdentity, read_process_identity, read_seed
from okube.worker.runtime import remove_all
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.secretfiles import clear_secrets
from okube.worker.settings import WorkerSettings

__all__ = ["down"]

Echo = Callable[[str], None]
RemoveTasks = Callable[[WorkerSettings], int]
_GRACE_S = 10.0


class _Folder(msgspec.Struct, frozen=True):
    """A process's folder as it is found, whether or not cluster.yaml still names it."""

    name: str
    files: ProcessFiles
    identity: ProcessIdentity | None
    running: Running | None

    @property
    def is_worker(self) -> bool:
        return self.identity is not None and self.identity.role == "worker"


def down(config_path: Path, purge: bool, echo: Echo, *, remove_tasks: RemoveTasks | None = None) -> None:
    """End workers, managers, the workers' containers, and the engine if ``make demo`` started it.

    It may be run twice, after a crash, and on a cluster that was never made whole.

    Args:
        config_path: cluster.yaml.
        purge: remove the data directory too.
        echo: told a line for each thing that is ended.
        remove_tasks: removes all containers of one worker and tells their number, if not as Okube does it.

    Raises:
        OkubeError: cluster.yaml is wrong, something could not be ended, or the data directory holds what is not ours.
    """
    config = load_cluster(config_path.absolute())
    files = ClusterFiles(config.data_dir)
    if not config.data_dir.exists():
        echo(f"There is no {config.data_dir}: nothing to end.")
        return
    if purge:
        refuse_foreign(config.data_dir, config_path)
    cluster_id = _cluster_id(files)
    with one_at_a_time(config.data_dir / "up.lock", what=f"cluster {config.cluster}"):
        folders = list(_folders(files))
        _end(folders, echo)
        if not EngineRecord(config.data_dir).was_ended:
            _wake_engine(config, echo)
        problems = _remove_tasks(config, folders, remove_tasks or remove_all, echo)
        if not problems:
            end_engine(config.data_dir, echo)
        if purge and not problems:
            purge_data(config.data_dir)
            echo(f"removed {config.data_dir}")
            _tell_of_keys(config, cluster_id, echo)
    if problems:
        raise OkubeError("\n".join(problems))


def _cluster_id(files: ClusterFiles) -> str | None:
    try:
        return read_seed(files.seed).cluster_id
    except BadFile:
        return None  # it was never made whole


def _tell_of_keys(config: ClusterConfig, cluster_id: str | None, echo: Echo) -> None:
    """Keys may be all that opens a snapshot that is kept elsewhere, so they are not removed with the rest."""
    keys = None if cluster_id is None else key_folder(config, cluster_id)
    if keys is not None and any(keys.glob("*.key")):
        echo(f"note: {keys} stays, for snapshots that are kept elsewhere; without any, remove it")


def _folders(files: ClusterFiles) -> Iterator[_Folder]:
    """What is there decides, not cluster.yaml: a process that the file no longer names is ended too."""
    for path in sorted(files.data_dir.iterdir()):
        folder = files.process(path.name)
        if path.name.startswith(".") or not (folder.identity.exists() or folder.pid.exists()):
            continue
        yield _Folder(path.name, folder, _identity(folder), runs_in(folder))


def _identity(folder: ProcessFiles) -> ProcessIdentity | None:
    try:
        return read_process_identity(folder.identity)
    except BadFile:
        return None  # its process can still be ended


def _end(folders: list[_Folder], echo: Echo) -> None:
    """Workers first: one that lives would start its containers again, and they announce no return."""
    for is_worker, request in ((True, LEAVE), (False, signal.SIGTERM)):
        living = {f.running.pid: f for f in folders if f.running and f.is_worker == is_worker}
        killed = end([f.running for f in living.values() if f.running], grace_s=_GRACE_S, request=request)
        for pid, folder in living.items():
            how = "killed" if any(k.pid == pid for k in killed) else "ended"
            echo(f"{folder.name:<10} {how} (pid {pid})")


def _wake_engine(config: ClusterConfig, echo: Echo) -> None:
    """An engine of ours that was killed left its containers; only an engine can end them."""
    with contextlib.suppress(EngineUnavailable, InstallFailed):  # removing the containers tells what is the matter
        started = start_again(config.docker.host, config.data_dir)
        if started:
            echo(f"engine     {started}")


def _remove_tasks(config: ClusterConfig, folders: list[_Folder], remove_tasks: RemoveTasks, echo: Echo) -> list[str]:
    problems: list[str] = []
    for folder in folders:
        if not folder.is_worker or folder.identity is None:
            continue
        try:
            count = remove_tasks(_settings(config, folder.identity, folder.files))
        except RuntimeUnavailable as error:
            if not EngineRecord(config.data_dir).was_ended:
                problems.append(f"The containers of {folder.name} may still run: {error}")
        else:
            clear_secrets(folder.identity.cluster_id, folder.identity.name)
            echo(f"{folder.name:<10} {count} containers removed")
    return problems


def _settings(config: ClusterConfig, identity: ProcessIdentity, files: ProcessFiles) -> WorkerSettings:
    """What finding a worker's containers takes; cluster.yaml may have dropped the worker itself."""
    return WorkerSettings(
        cluster_id=identity.cluster_id,
        name=identity.name,
        instance=identity.instance,
        directory=files.root,
        host="",
        port=0,
        address="",
        managers=(),
        runtime=config.runtime,
        docker_host=config.docker.host,
    )
