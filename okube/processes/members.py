"""``okube managers add`` and ``remove`` on this machine: the folder of a manager that joins, and who else is known.

It may be stopped anywhere and run again: the cluster is asked first and answers a repeat alike, the folder is made
under another name and renamed when it is whole, and ``cluster.json`` is brought up to date last.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, ManagerConfig, load_cluster
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.errors import BadFile, Conflict, NotFound
from okube.model.managers import MembersView, MemberView
from okube.processes.folders import Folders
from okube.processes.here import is_here
from okube.processes.invited import Invite, join_invited
from okube.processes.launch import StartFailed, launch, let_go, okube_command, wait_alive
from okube.processes.lock import one_at_a_time, runs_in
from okube.processes.places import Place, launch_of
from okube.processes.seed import read_cluster
from okube.processes.settings import authority_files, join_address, manager_settings
from okube.security import ClusterFiles, ProcessFiles
from okube.security.authorityfiles import AuthorityFiles, move_key
from okube.security.ca import load_ca
from okube.security.seed import Member, ProcessIdentity, Seed, read_process_identity, write_seed

__all__ = ["Added", "add_manager", "forget_manager"]

Echo = Callable[[str], None]
Ask = Callable[[str, str, str], MembersView]
"""Asks the cluster to let a manager join: its name, the address of its API, and that for other managers."""

_ALIVE_S = 60.0
_STOPPED_S = 10.0
_POLL_S = 0.05


class Added(msgspec.Struct, frozen=True):
    """A manager that may join: its folder, and whether it was started here."""

    name: str
    host: str
    folder: Path
    started: bool


def add_manager(
    config_path: Path,
    name: str,
    ask: Ask,
    echo: Echo,
    *,
    now_ms: int,
    command: Sequence[str] | None = None,
    bootstrap: Callable[[ManagerSettings, int], None] | None = None,
    invite: Invite | None = None,
) -> Added:
    """Have a manager of cluster.yaml join the cluster that runs; start it, if this is its machine.

    Args:
        config_path: cluster.yaml.
        name: which of its managers.
        ask: asks the cluster.
        echo: told what a person should know.
        now_ms: milliseconds since 1970, UTC, for its certificate.
        command: what to start instead of this Okube.
        bootstrap: how its first Raft state is written, if not as Okube does it.
        invite: has the cluster sign, where this machine does not have the key of the CA.

    Raises:
        NotFound: cluster.yaml has no such manager.
        Conflict: the cluster does not want it now, or it runs here already.
        BadFile: this machine does not have what it takes to make its folder.
        StartFailed: it was made, and does not start.
    """
    config_path = config_path.absolute()
    config = load_cluster(config_path)
    manager = _manager(config, name)
    files = ClusterFiles(config.data_dir)
    if invite is not None and not _has_authority(config, files):
        _refuse_running(files.process(name), name)
        folder = join_invited(config, config_path, manager, invite, echo, command=command, bootstrap=bootstrap)
        return Added(name, manager.host, folder, is_here(manager.host))
    seed = read_cluster(config)
    _need_authority(authority_files(config, seed.cluster_id), name)
    with one_at_a_time(config.data_dir / "up.lock", what=f"cluster {config.cluster}"):
        _refuse_running(files.process(name), name)
        answer = ask(name, join_address(manager.host, manager.port), join_address(manager.host, manager.raft_port))
        seed = msgspec.structs.replace(seed, members=tuple(map(_as_seeded, answer.members)))
        _make_folder(config, files, seed, manager, answer, now_ms, bootstrap or _bootstrap, echo)
        write_seed(files.seed, seed)
        started = is_here(manager.host)
        if started:
            _start(config, config_path, seed, manager, (*(command or okube_command()),), echo)
    return Added(name, manager.host, files.process(name).root, started)


def forget_manager(config_path: Path, name: str, answer: MembersView) -> bool:
    """Remember on this machine that a manager was removed and who is left; if it runs here, wait until it stopped.

    Returns:
        False where it runs here still: it has not heard of its removal.
    """
    config = load_cluster(config_path.absolute())
    files = ClusterFiles(config.data_dir)
    if not files.seed.exists():
        return True
    seed = read_cluster(config)
    write_seed(files.seed, msgspec.structs.replace(seed, members=tuple(map(_as_seeded, answer.members))))
    folder = files.process(name)
    if folder.identity.exists() and read_process_identity(folder.identity).role == "manager":
        folder.removed.write_text(f"{name} was removed from the cluster\n", encoding="utf-8")
    deadline = time.monotonic() + _STOPPED_S
    while runs_in(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _manager(config: ClusterConfig, name: str) -> ManagerConfig:
    found = next((manager for manager in config.managers if manager.name == name), None)
    if found is None:
        known = ", ".join(manager.name for manager in config.managers)
        raise NotFound(
            f"cluster.yaml names no manager {name}; its managers are: {known}. Write the new one there first, with its "
            "host and port."
        )
    return found


def _has_authority(config: ClusterConfig, files: ClusterFiles) -> bool:
    """Whether this machine can sign. A machine that is new has nothing of the cluster yet."""
    if not files.seed.exists():
        return False
    ca = authority_files(config, read_cluster(config).cluster_id)
    move_key(ca)
    return ca.key.exists() and ca.certificate.exists()


def _need_authority(files: AuthorityFiles, name: str) -> None:
    if not files.key.exists():
        raise BadFile(
            f"This machine does not have the cluster's CA, which signs {name}'s certificate: run this on the machine "
            f"that has {files.key}, and copy the folder of {name} over. Nothing is changed."
        )


def _refuse_running(folder: ProcessFiles, name: str) -> None:
    running = runs_in(folder)
    if running is not None:
        raise Conflict(f"{name} runs here already (pid {running.pid}); 'okube managers' shows whether it has joined")


def _make_folder(
    config: ClusterConfig,
    files: ClusterFiles,
    seed: Seed,
    manager: ManagerConfig,
    answer: MembersView,
    now_ms: int,
    bootstrap: Callable[[ManagerSettings, int], None],
    echo: Echo,
) -> None:
    new = next(member for member in answer.members if member.name == manager.name)
    folder = files.process(manager.name)
    if folder.identity.exists():
        if read_process_identity(folder.identity).instance == new.instance:
            return  # made before, and interrupted since
        aside = _set_aside(folder)
        echo(f"note: what an earlier {manager.name} left is now in {aside}")

    def write_first_state(identity: ProcessIdentity, root: Path) -> None:
        settings = manager_settings(config, seed, identity, root)
        members = tuple(ManagerMember(m.name, m.instance, m.raft_address, m.address, m.voter) for m in answer.members)
        bootstrap(msgspec.structs.replace(settings, members=members), answer.index)

    rng = random.SystemRandom()
    life = timedelta(seconds=config.certificates.life)
    folders = Folders(
        files, seed, load_ca(authority_files(config, seed.cluster_id)), False, write_first_state, rng, now_ms, life
    )
    identity = ProcessIdentity("manager", seed.cluster_id, manager.name, new.instance)
    problem = folders.make(identity, (manager.host,))
    if problem is not None:
        raise Conflict(problem)


def _set_aside(folder: ProcessFiles) -> Path:
    """An old folder under a name that nothing starts from; who needs nothing of it removes it."""
    identity = read_process_identity(folder.identity)
    aside = folder.root.with_name(f".{identity.name}.{identity.instance}.left")
    folder.root.rename(aside)
    return aside


def _start(
    config: ClusterConfig, config_path: Path, seed: Seed, manager: ManagerConfig, command: tuple[str, ...], echo: Echo
) -> None:
    place = Place(manager.name, "manager", manager.host, manager.port)
    started = launch(launch_of(place, config, config_path, seed.cluster_id, command))
    problems: list[str] = []
    wait_alive([started], timeout_s=_ALIVE_S, say=lambda _, problem: problems.append(problem) if problem else None)
    if problems:
        raise StartFailed(problems[0])
    let_go(started.process)
    echo(place.line(f"started (pid {started.process.pid})"))


def _as_seeded(member: MemberView) -> Member:
    host, port = _split(member.address)
    return Member(member.name, member.instance, host, port, _split(member.raft_address)[1])


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _bootstrap(settings: ManagerSettings, members_index: int) -> None:
    from okube.manager.main import bootstrap_joining

    bootstrap_joining(settings, members_index)
