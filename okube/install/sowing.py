"""The cluster's own files on the machine that installs: made there once, and sent where they belong.

The CA and the admin's credentials stay; a process's folder is sent to its machine. A manager must never run in two
places, so its folder here is given up when it is there, and before it is started. That order makes an interrupted
installation safe to repeat: a folder that is here still was never started anywhere.
"""

import io
import random
import shutil
import tarfile
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec

from okube.config import ClusterConfig
from okube.model.errors import BadFile, Conflict
from okube.processes.folders import Folders
from okube.processes.lock import runs_in
from okube.processes.places import refuse_half_restored
from okube.processes.seed import read_cluster, sow
from okube.processes.settings import authority_files
from okube.processes.up import bootstrap_first
from okube.security import ClusterFiles
from okube.security.ca import Authority, load_ca, private_pem
from okube.security.private import sync_folder
from okube.security.seed import ProcessIdentity, Seed, read_process_identity

__all__ = ["Sown", "authority_of", "give_up", "known_cluster", "left_here", "sow_for", "tree_of"]


class Sown(msgspec.Struct, frozen=True):
    """What is here: the cluster, the folders that are to be sent, and why others cannot be."""

    seed: Seed
    folders: dict[str, Path]
    problems: tuple[str, ...] = ()


def known_cluster(config: ClusterConfig) -> Seed | None:
    """The cluster that was made in this data directory; None where none was yet.

    Raises:
        OkubeError: the directory is another cluster's, or damaged.
    """
    return read_cluster(config) if ClusterFiles(config.data_dir).seed.exists() else None


def sow_for(
    config: ClusterConfig, installed: Mapping[str, ProcessIdentity | None], joining: Iterable[str] = ()
) -> Sown:
    """Make what is missing of the cluster's files here.

    Args:
        config: cluster.yaml.
        installed: who each process is on its machine, None where it has no folder there; processes of machines that
            do not answer are left out.
        joining: processes that get their folders in another way.

    Raises:
        Conflict: a restore was interrupted in the data directory.
        OkubeError: it is another cluster's, or damaged.
    """
    files = ClusterFiles(config.data_dir)
    refuse_half_restored(config.data_dir)
    if not files.seed.exists():
        sow(config, bootstrap=bootstrap_first, rng=random.SystemRandom(), now_ms=_now_ms())
    seed = read_cluster(config)
    missing = {name for name, identity in installed.items() if identity is None} - set(joining)
    problems = [
        *_foreign(seed, installed),
        *_make_workers(config, files, seed, missing),
        *_lost_managers(config, files, seed, missing),
    ]
    folders = {name: files.process(name).root for name in missing if files.process(name).identity.exists()}
    return Sown(seed, folders, tuple(problems))


def give_up(config: ClusterConfig, name: str) -> None:
    """A folder that is on its machine now is here no more; called before the process is started there.

    Raises:
        Conflict: it runs here.
    """
    folder = ClusterFiles(config.data_dir).process(name)
    if not folder.root.exists():
        return
    if runs_in(folder) is not None:
        raise Conflict(f"{name} runs on this machine, from {folder.root}: end it first, it must not run in two places")
    sent = folder.root.with_name(f".{name}.sent")
    shutil.rmtree(sent, ignore_errors=True)
    folder.root.rename(sent)
    sync_folder(sent.parent)
    shutil.rmtree(sent)


def tree_of(folder: Path) -> bytes:
    """A process's folder as a tar archive, equal for equal files: what a machine gets."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise BadFile(f"{path} is neither a file nor a folder, and none of Okube's: take it away.")
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if path.is_file():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return packed.getvalue()


def authority_of(config: ClusterConfig) -> tuple[bytes, bytes] | None:
    """The CA's certificate and its key, as PEM, where this machine has them."""
    files = authority_files(config, read_cluster(config).cluster_id)
    if not files.key.exists():
        return None
    authority = load_ca(files)
    return authority.certificate_pem, private_pem(authority.key)


def _make_workers(config: ClusterConfig, files: ClusterFiles, seed: Seed, missing: set[str]) -> list[str]:
    """Workers may come at any time, and get another instance with each new folder."""
    kept = authority_files(config, seed.cluster_id)
    authority: Authority | None = load_ca(kept) if kept.key.exists() else None
    life = timedelta(seconds=config.certificates.life)
    folders = Folders(files, seed, authority, False, lambda *_: None, random.SystemRandom(), _now_ms(), life)
    problems = [folders.worker(worker) for worker in config.workers if worker.name in missing]
    return [problem for problem in problems if problem is not None]


def _lost_managers(config: ClusterConfig, files: ClusterFiles, seed: Seed, missing: set[str]) -> list[str]:
    members = {member.name for member in seed.members}
    problems = []
    for manager in config.managers:
        if manager.name not in missing or files.process(manager.name).identity.exists():
            continue
        if manager.name in members:
            problems.append(
                f"{manager.name}'s data is gone from {manager.host}. It is not made again: a wiped manager is another "
                "instance, and one that forgot its votes could undo what was acknowledged. Put its folder back if you "
                f"have it, but no older copy; else 'okube cluster replace-manager {manager.name}'."
            )
        else:
            problems.append(
                f"{manager.name} is no manager of the cluster yet: 'okube cluster add-node {manager.name}' has it join."
            )
    return problems


def _foreign(seed: Seed, installed: Mapping[str, ProcessIdentity | None]) -> list[str]:
    return [
        f"{name} on its machine is of another cluster ({identity.cluster_id}, this one is {seed.cluster_id}): take its "
        "folder away there."
        for name, identity in installed.items()
        if identity is not None and identity.cluster_id != seed.cluster_id
    ]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def left_here(config: ClusterConfig, installed: Mapping[str, ProcessIdentity | None]) -> list[str]:
    """Processes whose folders are on their machines, whole, and still here: an installation was interrupted there."""
    files = ClusterFiles(config.data_dir)
    found = []
    for name, identity in installed.items():
        here = files.process(name)
        if identity is None or not here.identity.exists():
            continue
        if read_process_identity(here.identity).instance == identity.instance:
            found.append(name)
    return found
