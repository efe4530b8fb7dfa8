"""``okube join``: a machine that has nothing but a token becomes a worker or a manager of the cluster.

It may be stopped anywhere and called again. Instance and key are drawn once and kept in ``.NAME.joining``; with them
the cluster knows a repeat, and lets it in without counting it twice. The folder gets its name when it is whole.
"""

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from okube.config import ClusterConfig, WorkerConfig, load_cluster
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.errors import BadFile, Conflict, NotFound
from okube.model.jointoken import JoinAnswer, JoinRequest
from okube.model.names import new_id
from okube.processes.invitation import Cluster, Host, ask_to_join, find_cluster
from okube.processes.launch import StartFailed, launch, let_go, okube_command, wait_alive
from okube.processes.lock import one_at_a_time, runs_in
from okube.processes.ownfile import OwnEntry, is_own, write_own_file
from okube.processes.places import Place, launch_of
from okube.processes.settings import join_address, key_folder, manager_settings
from okube.seams.machineid import machine_id
from okube.security import ClusterFiles, ProcessFiles
from okube.security.jointokens import JoinToken, certificates_in, fingerprint_of
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from okube.security.private import ensure_folder, sync_folder, write_private, write_public
from okube.security.seed import (
    Member,
    ProcessIdentity,
    Seed,
    read_process_identity,
    read_seed,
    write_process_identity,
    write_seed,
)

__all__ = ["Joined", "Wish", "join"]

Say = Callable[[str], None]
_ALIVE_S = 60.0
_PORTS = {"worker": 7201, "manager": 7101}
_RAFT_PORT_OFFSET = 1000


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine wants to be; what is None or empty is taken from cluster.yaml, or what is usual.

    ``beside`` says that this machine has another node of the cluster, on purpose.
    """

    name: str
    host: str | None = None
    port: int | None = None
    raft_port: int | None = None
    region: str = ""
    zone: str = ""
    rack: str = ""
    labels: dict[str, str] = {}
    named: dict[str, int] = {}
    runtime: str | None = None
    beside: bool = False


class Joined(msgspec.Struct, frozen=True):
    """A process that may take part: its folder, the file that describes it, and whether it was in before."""

    name: str
    role: Literal["worker", "manager"]
    cluster: str
    folder: Path
    config: Path
    before: bool = False


class _Drawn(msgspec.Struct, frozen=True):
    """What a machine that joins has drawn, and keeps until it is in."""

    role: Literal["worker", "manager"]
    name: str
    instance: str


def join(
    token: JoinToken,
    managers: Sequence[Host],
    wish: Wish,
    config_path: Path,
    *,
    timeout_s: float | None,
    say: Say,
    bootstrap: Callable[[ManagerSettings, int], None] | None = None,
    keep_unlock_key: bool = True,
) -> Joined:
    """Have this machine join; its process is not started.

    Args:
        token: what lets it in, and says as what.
        managers: where the cluster is.
        wish: as what it joins.
        config_path: cluster.yaml, which names it; or where one is written that does.
        timeout_s: how long managers that do not answer are waited for; None: for ever.
        say: told what it waits for.
        bootstrap: how a manager's first Raft state is written, if not as Okube does it.
        keep_unlock_key: whether this machine is to have it, where a manager is let in; it gets it from the others else.

    Raises:
        NotFound: cluster.yaml is there, not written by this command, and does not name it.
        Conflict: the cluster refuses it, or what is in the data directory is in the way.
        Unauthorized: the token does not let it in, or the cluster there is another.
        Impatient: no manager let it in in time.
    """
    config_path = config_path.absolute()
    config = load_cluster(config_path) if config_path.exists() else None
    if config is not None and not is_own(config_path):
        wish = _as_described(config, token.role, wish)
    data_dir = config_path.parent / "data" if config is None else config.data_dir
    files = ClusterFiles(data_dir)
    with one_at_a_time(ensure_folder(data_dir) / "up.lock", what=str(data_dir)):
        if _is_in(files.process(wish.name), token, wish.name):
            return Joined(wish.name, token.role, _seed(files).cluster, files.process(wish.name).root, config_path, True)
        cluster = find_cluster(token, managers, timeout_s=timeout_s, say=say)
        _refuse_another_cluster(files, cluster)
        making = _drawn(files, token.role, wish.name)
        request = _request(token, wish, cluster, making)
        answer = ask_to_join(cluster, request, managers, timeout_s=timeout_s, say=say)
        _refuse_another_name(config, answer)
        seed = _remember_cluster(files, answer)
        if is_own(config_path):
            config = write_own_file(config_path, answer, _entry(request, wish), wish.runtime)
        assert config is not None
        if token.role == "manager" and not answer.unlock_key:
            say(f"{wish.name} was not given the unlock key: with autolock, call 'okube unlock' once it runs")
        if not keep_unlock_key:
            answer = msgspec.structs.replace(answer, unlock_key="")
        _finish(config, files, seed, making, answer, bootstrap or _bootstrap)
    return Joined(wish.name, token.role, answer.cluster, files.process(wish.name).root, config_path)


def start(joined: Joined, echo: Say, *, command: Sequence[str] | None = None) -> None:
    """Start the process of a machine that joined, as a daemon, and wait until it answers; one that runs is left alone.

    Raises:
        StartFailed: it does not start.
    """
    config = load_cluster(joined.config)
    files = ClusterFiles(config.data_dir)
    running = runs_in(files.process(joined.name))
    seed = read_seed(files.seed)
    known = config.workers if joined.role == "worker" else config.managers
    entry = next(each for each in known if each.name == joined.name)
    place = Place(joined.name, joined.role, entry.host, entry.port)
    if running is not None:
        echo(place.line(f"runs already (pid {running.pid})"))
        return
    started = launch(launch_of(place, config, joined.config, seed.cluster_id, (*(command or okube_command()),)))
    problems: list[str] = []
    wait_alive([started], timeout_s=_ALIVE_S, say=lambda _, problem: problems.append(problem) if problem else None)
    if problems:
        raise StartFailed(problems[0])
    let_go(started.process)
    echo(place.line(f"started (pid {started.process.pid})"))


def _as_described(config: ClusterConfig, role: str, wish: Wish) -> Wish:
    """What cluster.yaml says of it; what was asked for besides must not contradict it."""
    known = {each.name: each for each in (config.workers if role == "worker" else config.managers)}
    found = known.get(wish.name)
    if found is None:
        raise NotFound(
            f"{config.file} names no {role} {wish.name}; its {role}s are: {', '.join(known) or 'none'}. Write it there "
            "first, or name with --dir a folder in which this machine gets a cluster.yaml of its own"
        )
    for flag, asked, written in (("--host", wish.host, found.host), ("--port", wish.port, found.port)):
        if asked is not None and asked != written:
            raise Conflict(f"{flag} says {asked}, and {config.file} says {written} for {wish.name}: change one of them")
    offered = found.capacity.named if isinstance(found, WorkerConfig) else {}
    if wish.named and wish.named != offered:
        raise Conflict(
            f"--resource says {_counted(wish.named)}, and {config.file} says {_counted(offered)} for {wish.name}: "
            "change one of them"
        )
    described = msgspec.structs.replace(wish, host=found.host, port=found.port)
    if role == "manager":
        return msgspec.structs.replace(described, raft_port=getattr(found, "raft_port", None))
    places = {level: getattr(wish, level) or getattr(found, level, "") for level in ("region", "zone", "rack")}
    return msgspec.structs.replace(described, **places, labels={**getattr(found, "labels", {}), **wish.labels})


def _counted(named: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={count}" for name, count in sorted(named.items())) or "nothing"


def _is_in(folder: ProcessFiles, token: JoinToken, name: str) -> bool:
    """Whether it has joined the token's cluster before."""
    if not folder.identity.exists():
        if folder.root.exists():
            raise Conflict(f"{folder.root} is in the way: it holds no identity.json, so it is not {name}'s")
        return False
    identity = read_process_identity(folder.identity)
    same = any(fingerprint_of(each) == token.ca_sha256 for each in certificates_in(_text(folder.tls.ca)))
    if identity.role == token.role and same and not folder.removed.exists():
        return True
    if folder.removed.exists() and runs_in(folder) is None:
        folder.root.rename(folder.root.with_name(f".{identity.name}.{identity.instance}.left"))
        return False
    raise Conflict(
        f"{folder.root} is that of {identity.role} {identity.name} of "
        f"{'this' if same else 'another'} cluster: take another name with --name, or take the folder away"
    )


def _refuse_another_cluster(files: ClusterFiles, cluster: Cluster) -> None:
    """Before the token is used: what lies here already must be of the same cluster."""
    if not files.seed.exists():
        return
    from cryptography import x509

    (name,) = x509.load_pem_x509_certificate(cluster.ca.encode()).subject.get_attributes_for_oid(
        x509.NameOID.ORGANIZATION_NAME
    )
    seed = read_seed(files.seed)
    if seed.cluster_id != name.value:
        raise Conflict(
            f"{files.data_dir} holds the data of cluster {seed.cluster} ({seed.cluster_id}), and the token is of "
            f"{name.value!s}: name another folder with --dir"
        )


def _refuse_another_name(config: ClusterConfig | None, answer: JoinAnswer) -> None:
    if config is not None and config.cluster != answer.cluster:
        raise Conflict(
            f"{config.file} describes cluster {config.cluster}, and the token is of {answer.cluster}: correct the "
            "file, or name another folder with --dir"
        )


def _drawn(files: ClusterFiles, role: Literal["worker", "manager"], name: str) -> ProcessFiles:
    """The folder in which it gathers what it needs, with its instance and key; the one of an earlier call goes on."""
    making = ProcessFiles(files.data_dir / f".{name}.joining")
    known = _read_drawn(making)
    if known is None or (known.role, known.name) != (role, name) or not making.tls.key.exists():
        from okube.security.ca import private_pem
        from okube.security.requests import new_key

        shutil.rmtree(making.root, ignore_errors=True)
        ensure_folder(making.root)
        write_private(making.tls.key, private_pem(new_key()))
        drawn = _Drawn(role, name, new_id(random.SystemRandom()))
        write_public(making.root / "joining.json", msgspec.json.encode(drawn))
    return making


def _read_drawn(making: ProcessFiles) -> _Drawn | None:
    try:
        return msgspec.json.decode((making.root / "joining.json").read_bytes(), type=_Drawn)
    except (OSError, msgspec.MsgspecError):
        return None


def _request(token: JoinToken, wish: Wish, cluster: Cluster, making: ProcessFiles) -> JoinRequest:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from okube.security.private import read_private
    from okube.security.requests import request_for

    drawn = _read_drawn(making)
    assert drawn is not None
    key = serialization.load_pem_private_key(read_private(making.tls.key), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    (cluster_id,) = x509.load_pem_x509_certificate(cluster.ca.encode()).subject.get_attributes_for_oid(
        x509.NameOID.ORGANIZATION_NAME
    )
    host = wish.host or cluster.local_host
    port = wish.port or _PORTS[token.role]
    is_manager = token.role == "manager"
    return JoinRequest(
        token=token.id,
        secret=token.secret,
        role=token.role,
        name=wish.name,
        instance=drawn.instance,
        address=join_address(host, port),
        csr=request_for(key).decode(),
        raft_address=join_address(host, wish.raft_port or port + _RAFT_PORT_OFFSET) if is_manager else None,
        machine_id="" if is_manager else machine_id(str(cluster_id.value)),
        beside=wish.beside,
        zone="" if is_manager else wish.zone,
        labels={} if is_manager else wish.labels,
    )


def _entry(request: JoinRequest, wish: Wish) -> OwnEntry:
    host, _, port = request.address.rpartition(":")
    return OwnEntry(
        role=request.role,
        name=request.name,
        host=host.strip("[]"),
        port=int(port),
        region=wish.region,
        zone=wish.zone,
        rack=wish.rack,
        labels=wish.labels,
        named=wish.named,
    )


def _remember_cluster(files: ClusterFiles, answer: JoinAnswer) -> Seed:
    """Bring cluster.json up to date; of an admin's token only a manager's machine knows the hash."""
    kept = read_seed(files.seed).admin_token_sha256 if files.seed.exists() else ""
    members = tuple(_member(m.name, m.instance, m.address, m.raft_address) for m in answer.managers)
    seed = Seed(
        answer.cluster, answer.cluster_id, answer.admin_token_sha256 or kept, members, max(1, answer.incarnation)
    )
    write_seed(files.seed, seed)
    return seed


def _member(name: str, instance: str, address: str, raft_address: str) -> Member:
    host, _, port = address.rpartition(":")
    return Member(name, instance, host.strip("[]"), int(port), int(raft_address.rpartition(":")[2]))


def _finish(
    config: ClusterConfig,
    files: ClusterFiles,
    seed: Seed,
    making: ProcessFiles,
    answer: JoinAnswer,
    bootstrap: Callable[[ManagerSettings, int], None],
) -> None:
    drawn = _read_drawn(making)
    assert drawn is not None
    identity = ProcessIdentity(drawn.role, answer.cluster_id, drawn.name, drawn.instance)
    write_process_identity(making.identity, identity)
    write_public(making.tls.ca, answer.ca.encode())
    write_public(making.tls.certificate, answer.certificate.encode())
    if answer.unlock_key:
        KeyFiles(key_folder(config, answer.cluster_id)).write(UnlockKey.parse(answer.unlock_key))
    if drawn.role == "manager":
        shutil.rmtree(making.raft, ignore_errors=True)  # of a call that was interrupted: it was never part of anything
        settings = manager_settings(config, seed, identity, making.root)
        members = tuple(ManagerMember(m.name, m.instance, m.raft_address, m.address, m.voter) for m in answer.managers)
        bootstrap(msgspec.structs.replace(settings, members=members), answer.index)
    (making.root / "joining.json").unlink()
    final = files.process(drawn.name).root
    making.root.rename(final)
    sync_folder(final.parent)


def _seed(files: ClusterFiles) -> Seed:
    return read_seed(files.seed)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error


def _bootstrap(settings: ManagerSettings, members_index: int) -> None:
    from okube.manager.main import bootstrap_joining

    bootstrap_joining(settings, members_index)
