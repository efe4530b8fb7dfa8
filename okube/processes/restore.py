"""``okube snapshot restore``: the managers of cluster.yaml made anew from a saved snapshot, on the first one's machine.

It may be interrupted anywhere and run again: it then begins anew. Nothing is removed; what was there is put aside.
"""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, load_cluster
from okube.manager.rebirth import Rebirth, begin_from
from okube.manager.settings import ManagerSettings
from okube.model.archive import Archive, read_archive
from okube.model.errors import BadFile, Conflict
from okube.model.names import new_id
from okube.model.quantities import format_seconds
from okube.model.sealed import Ring
from okube.processes.authority import find_authority
from okube.processes.here import is_here
from okube.processes.incarnations import incarnations_here, incarnations_of_agents
from okube.processes.lock import one_at_a_time, runs_in
from okube.processes.places import restoring_file
from okube.processes.restorekeys import find_unlock_key, keep_unlock_key
from okube.processes.seed import seeding_file, sow
from okube.processes.settings import authority_files
from okube.raft import Member as RaftMember
from okube.seams.disk import FileDisk
from okube.security import ClusterFiles, new_token, read_token, token_sha256, write_token
from okube.security.authorityfiles import AuthorityFiles, move_key, put_key
from okube.security.ca import Authority, private_pem
from okube.security.keyring import UnlockKey
from okube.security.private import ensure_folder, sync_folder, write_public
from okube.security.seed import Member, Seed, read_process_identity, read_seed, write_seed
from okube.state import StateMachine
from okube.state.nodes import forget
from okube.state.sealing import give_up_sealed

__all__ = ["RestorePlan", "listens", "make_anew", "plan_restore", "restore_cluster"]

Echo = Callable[[str], None]
_CONNECT_S = 0.5


class RestorePlan(msgspec.Struct, frozen=True):
    """What a restore would do; nothing is changed yet.

    ``nodes`` are those that the snapshot knows, with their instances. ``new_workers`` get folders here, to be brought
    to their machines; None: those of this machine. ``lost_nodes`` are known to the state no more: what they held is
    placed anew.
    """

    config: ClusterConfig
    archive: Archive
    authority: Authority
    incarnation: int
    aside: Path
    says: tuple[str, ...]
    ring: Ring | None = None
    unlock_key: UnlockKey | None = None
    gives_up_sealed: bool = False
    nodes: Mapping[str, str] = {}
    new_workers: tuple[str, ...] | None = None
    lost_nodes: tuple[str, ...] = ()


def plan_restore(
    config_path: Path,
    data: bytes,
    *,
    ca: Path | None = None,
    incarnation: int | None = None,
    unlock_key: Path | UnlockKey | None = None,
    without_unlock_key: bool = False,
    elsewhere: bool = False,
) -> RestorePlan:
    """Check all that a restore needs.

    Args:
        config_path: cluster.yaml, with the managers that there will be.
        data: the snapshot's file.
        ca: a folder with ca.crt and ca.key, where this machine does not have them, and the unlock key is not to be had.
        incarnation: the first number of the epochs that begin; else one more than any that is known here.
        unlock_key: the unlock key or a file with it, where this machine's folder of keys does not have it.
        without_unlock_key: give up what only that key opens.
        elsewhere: the managers' folders are brought to their machines from here, by whoever asks for this.

    Raises:
        NeedsUnlockKey: it is needed, and is not here.
        BadFile: the snapshot is damaged, or there is no CA.
        Conflict: it is of another cluster, or managers still run, or the unlock key is another one.
    """
    config = load_cluster(config_path.absolute())
    files = ClusterFiles(config.data_dir)
    archive = read_archive(data)
    head = archive.head
    if head.cluster != config.cluster:
        raise Conflict(f"The snapshot is of cluster {head.cluster}, and {config_path} describes {config.cluster}.")
    if files.seed.exists() and (there := read_seed(files.seed)).cluster_id != head.cluster_id:
        raise Conflict(
            f"{config.data_dir} holds another cluster of that name ({there.cluster_id}), and the snapshot is of "
            f"{head.cluster_id}: name another data_dir."
        )
    if not elsewhere and not is_here(config.managers[0].host):
        raise Conflict(
            f"A cluster is restored on the machine of its first manager, {config.managers[0].name} "
            f"({config.managers[0].host}), and this is another."
        )
    _refuse_living(config, files)
    restored = StateMachine()
    try:
        restored.restore(archive.state)
    except ValueError as error:
        raise BadFile(f"The snapshot cannot be read: {error}.") from error
    ring = restored.tables.ring
    key = None
    if ring is not None and not without_unlock_key:
        key = find_unlock_key(config, head.cluster_id, ring, unlock_key)
    ca_files = authority_files(config, head.cluster_id)
    move_key(ca_files)
    authority = find_authority(ca_files, archive.authority, ca, head.cluster_id, state=restored.tables, unlock_key=key)
    known = max([head.epoch.incarnation, *incarnations_here(files, head.cluster_id)])
    nodes = restored.tables.nodes
    obeyed = incarnations_of_agents(authority, head.cluster_id, nodes.values(), now_ms=time.time_ns() // 1_000_000)
    known = max([known, *obeyed])
    if incarnation is not None and incarnation <= known:
        raise Conflict(f"Incarnation {known} has been already: give a higher one.")
    now = datetime.now(UTC)
    aside = config.data_dir / f"replaced-{now:%Y%m%dT%H%M%SZ}"
    given_up = without_unlock_key and ring is not None
    instances = {name: node.id for name, node in nodes.items()}
    plan = RestorePlan(config, archive, authority, incarnation or known + 1, aside, (), ring, key, given_up, instances)
    says = (*_says(plan, files, now), *_says_of_keys(plan, len(restored.tables.secrets)))
    return msgspec.structs.replace(plan, says=says)


def restore_cluster(plan: RestorePlan, echo: Echo) -> None:
    """Do it, and say what comes next. Raises Conflict where another command works on the same data directory."""
    config = plan.config
    with one_at_a_time(ensure_folder(config.data_dir) / "up.lock", what=f"cluster {config.cluster}"):
        make_anew(plan)
    revision = plan.archive.head.revision
    echo(f"restored at revision {revision}, incarnation {plan.incarnation}: start it with `okube up -d`")
    elsewhere = [m.name for m in config.managers if not is_here(m.host)]
    if elsewhere:
        echo(
            f"{', '.join(elsewhere)} run elsewhere: move their folders, with a copy of cluster.json, from "
            f"{config.data_dir} to their machines, where no folder of an old manager of that name may be left"
        )


def make_anew(plan: RestorePlan) -> None:
    """The cluster's files on this machine as the plan has them, by whoever holds the lock of the data directory.

    Raises:
        Conflict: managers run, or answer.
    """
    config, head = plan.config, plan.archive.head
    files = ClusterFiles(config.data_dir)
    now_ms = time.time_ns() // 1_000_000
    rng = random.SystemRandom()
    _refuse_living(config, files)
    write_public(restoring_file(config.data_dir), f"{plan.aside.name}\n".encode())
    _put_aside(files, plan.aside)
    _keep_authority(authority_files(config, head.cluster_id), plan)
    if not files.admin_token.exists():
        write_token(files.admin_token, new_token())
    members = tuple(Member(m.name, new_id(rng), m.host, m.port, m.raft_port) for m in config.managers)
    admin = token_sha256(read_token(files.admin_token))
    if plan.ring is not None:
        keep_unlock_key(config, head.cluster_id, plan.ring, plan.unlock_key)
    seed = Seed(config.cluster, head.cluster_id, admin, members, plan.incarnation)
    write_seed(seeding_file(files), seed)
    state = _reborn(plan, admin, now_ms)
    sow(
        _with_workers(plan, files),
        bootstrap=lambda s: _bootstrap(s, state, plan.incarnation),
        rng=rng,
        now_ms=now_ms,
        authority=plan.authority,
    )
    restoring_file(config.data_dir).unlink()
    sync_folder(config.data_dir)


def _keep_authority(files: AuthorityFiles, plan: RestorePlan) -> None:
    """Where the cluster locks itself its key comes to no disk: the state has it. Key before certificate, as ever."""
    in_state = bool(plan.archive.head.authority) and not plan.gives_up_sealed
    if plan.ring is None or not plan.ring.autolock or not in_state:
        put_key(files, private_pem(plan.authority.key))
    write_public(files.certificate, plan.authority.certificate_pem)


def _reborn(plan: RestorePlan, admin_token_sha256: str, now_ms: int) -> list[bytes]:
    head = plan.archive.head
    machine = StateMachine()
    machine.restore(plan.archive.state)
    if plan.gives_up_sealed:
        give_up_sealed(machine.tables)
    for name in plan.lost_nodes:
        forget(machine.tables, machine.tables.nodes[name], now_ms)
    taken = datetime.fromtimestamp(head.taken_ms / 1000, UTC)
    return Rebirth(
        incarnation=plan.incarnation,
        kind="cluster-restored",
        message=f"restored from a snapshot of {taken:%Y-%m-%d %H:%M:%S} UTC, revision {head.revision}; "
        f"incarnation {plan.incarnation}",
        by="admin",
        now_ms=now_ms,
        admin_token_sha256=admin_token_sha256,
    ).change(machine)


def _bootstrap(settings: ManagerSettings, state: list[bytes], incarnation: int) -> None:
    members = tuple(RaftMember(m.name, m.instance, m.raft_address, m.api_address) for m in settings.members)

    async def write() -> None:
        disk = FileDisk()
        try:
            await begin_from(
                settings.directory / "raft",
                disk,
                settings.cluster_id,
                members,
                state,
                index=1,
                term=1,
                incarnation=incarnation,
            )
        finally:
            await disk.close()

    asyncio.run(write())


def _refuse_living(config: ClusterConfig, files: ClusterFiles) -> None:
    living = [
        f"{path.name} (pid {running.pid})"
        for path in _managers(files)
        if (running := runs_in(files.process(path.name)))
    ]
    if living:
        raise Conflict(f"{', '.join(living)} runs here: end all managers first (`kill PID`; containers go on).")
    answering = [m.name for m in config.managers if listens(m.host, m.port) or listens(m.host, m.raft_port)]
    if answering:
        raise Conflict(
            f"Something listens at the address of {', '.join(answering)}: end all managers of the cluster first. Where "
            "a majority of them runs, nothing needs to be restored."
        )


def listens(host: str, port: int) -> bool:
    """Whether anything takes connections at an address, within half a second."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return True
    except OSError:
        return False


def _managers(files: ClusterFiles) -> Iterator[Path]:
    """The folders of managers that are here, whatever cluster.yaml names."""
    if not files.data_dir.is_dir():
        return
    for path in sorted(files.data_dir.iterdir()):
        with contextlib.suppress(BadFile):
            if path.is_dir() and read_process_identity(files.process(path.name).identity).role == "manager":
                yield path


def _put_aside(files: ClusterFiles, aside: Path) -> None:
    """What was of the cluster's managers here; workers, the CA and the admin's credentials stay."""
    ensure_folder(aside)
    for path in [*_managers(files), files.seed, seeding_file(files)]:
        if path.exists():
            path.rename(aside / path.name)
    sync_folder(aside)
    sync_folder(files.data_dir)


def _with_workers(plan: RestorePlan, files: ClusterFiles) -> ClusterConfig:
    """Other workers have their folders where they are: a second one would only be mistaken for the first."""
    config, new = plan.config, plan.new_workers

    def is_made(name: str, host: str) -> bool:
        return name in new if new is not None else is_here(host) or files.process(name).identity.exists()

    return msgspec.structs.replace(config, workers=tuple(w for w in config.workers if is_made(w.name, w.host)))


def _says(plan: RestorePlan, files: ClusterFiles, now: datetime) -> Iterator[str]:
    head, counts = plan.archive.head, plan.archive.head.counts
    taken = datetime.fromtimestamp(head.taken_ms / 1000, UTC)
    age = format_seconds(max(0.0, (now - taken).total_seconds()))
    held = ((counts.services, "service"), (counts.tasks, "task"), (counts.nodes, "node"))
    holds = ", ".join(f"{number} {what}{'' if number == 1 else 's'}" for number, what in held)
    yield (
        f"cluster {head.cluster} ({head.cluster_id}), as of {taken:%Y-%m-%d %H:%M:%S} UTC ({age} ago): "
        f"revision {head.revision}, {holds}"
    )
    yield "What was changed after that is lost; containers of tasks that it does not know are removed by their agents."
    names = ", ".join(manager.name for manager in plan.config.managers)
    verb = "is" if len(plan.config.managers) == 1 else "are"
    yield (
        f"{names} {verb} made anew, in incarnation {plan.incarnation}; "
        "managers from before cannot command workers then."
    )
    there = [path.name for path in _managers(files)]
    if there:
        yield f"The folders of {', '.join(there)} are put aside in {plan.aside}."


def _says_of_keys(plan: RestorePlan, values: int) -> Iterator[str]:
    if plan.gives_up_sealed:
        yield f"The unlock key is given up, and with it all secrets and configs: {values}, for good."
    elif plan.ring is not None and plan.ring.autolock:
        yield f"Managers will be locked: give them the unlock key ({plan.ring.unlock_id}) with 'okube unlock'."
