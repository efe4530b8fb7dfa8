"""``okube cluster renew``: certificates for all that does not run on this machine, without any manager.

For a cluster that was switched off until its certificates had ended: it needs no network and no majority, just the CA.
Once one manager has a good certificate and the CA, the others renew theirs with its help, by themselves.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from okube.config import ClusterConfig, load_cluster
from okube.manager.authorities import CurrentAuthority
from okube.manager.recovery import state_of
from okube.manager.vault import Vault
from okube.model.errors import BadFile, Conflict, OkubeError
from okube.processes.lock import hold, one_at_a_time, runs_in
from okube.processes.seed import read_cluster
from okube.processes.settings import authority_files, key_folder, manager_address
from okube.raft.storage import open_storage
from okube.seams.disk import FileDisk
from okube.security import ClusterFiles, Identity, ProcessFiles
from okube.security.authorityfiles import AuthorityFiles, move_key, put_key
from okube.security.ca import Authority, load_ca, private_pem
from okube.security.issue import install
from okube.security.keyfiles import KeyFiles, read_key
from okube.security.keyring import UnlockKey
from okube.security.private import write_public
from okube.security.seed import ProcessIdentity, Seed, read_process_identity
from okube.security.validity import validity_in
from okube.state import StateMachine, Tables

__all__ = ["renew_here"]

Say = Callable[[str], None]


def renew_here(config_path: Path, echo: Say, *, unlock_key: Path | None = None) -> None:
    """Renew the certificate of each process of cluster.yaml that is here and does not run, and the admin's.

    Args:
        config_path: cluster.yaml.
        echo: told a line for each.
        unlock_key: a file with the unlock key, where managers lock themselves and so have it on no disk.

    Raises:
        BadFile: the CA is neither in the data directory nor in what a manager here has, or cannot be opened.
        Conflict: the CA has ended itself.
    """
    config = load_cluster(config_path.absolute())
    files, seed = ClusterFiles(config.data_dir), read_cluster(config)
    now_ms = time.time_ns() // 1_000_000
    with one_at_a_time(config.data_dir / "up.lock", what=f"cluster {config.cluster}"):
        ca = authority_files(config, seed.cluster_id)
        move_key(ca)
        authority, trusted = _authority(config, ca, seed, None if unlock_key is None else read_key(unlock_key))
        _refuse_ended(authority, now_ms)
        life = timedelta(seconds=config.certificates.life)
        for folder, identity, hosts in _processes(config, files, seed):
            if runs_in(folder) is not None:
                echo(f"{identity.name:<10} {identity.role:<8} runs, and renews its certificate by itself")
                continue
            who = Identity(seed.cluster_id, identity.role, identity.name, identity.instance)
            install(authority, who, folder.tls, hosts=hosts, now_ms=now_ms, life=life, trusted=trusted)
            echo(f"{identity.name:<10} {identity.role:<8} {_until(folder.tls.certificate)}")
        admin = Identity(seed.cluster_id, "admin", "admin")
        install(authority, admin, files.admin, now_ms=now_ms, trusted=trusted)
        echo(f"{'admin':<10} {'':<8} {_until(files.admin.certificate)}")
    echo("'okube up' starts them; managers and workers elsewhere renew theirs when they reach a manager here")


def _authority(
    config: ClusterConfig, files: AuthorityFiles, seed: Seed, unlock_key: UnlockKey | None
) -> tuple[Authority, bytes]:
    """The CA that signs, and what all trust.

    Where it is in a manager's state alone, it is put into files too; not where managers keep their keys off all disks.
    """
    if files.key.exists() and files.certificate.exists():
        authority = load_ca(files)
        return authority, authority.certificate_pem
    failures = []
    for folder, identity, _ in _processes(config, ClusterFiles(config.data_dir), seed):
        if identity.role == "manager" and runs_in(folder) is None:
            try:
                authority, trusted, autolock = _in_state(config, folder, identity, unlock_key)
            except OkubeError as error:
                failures.append(f"{identity.name}: {error.detail}")
                continue
            if not autolock:
                put_key(files, private_pem(authority.key))
            write_public(files.certificate, authority.certificate_pem)
            return authority, trusted
    why = "; ".join(failures) or "no manager is here that does not run"
    raise BadFile(
        f"There is no CA in {files.certificate} and {files.key}, and none that could be taken from a manager's state "
        f"here: {why}. Run this on the machine of a manager that has them, and the unlock key; with autolock name a "
        "file that has it with --unlock-key."
    )


def _in_state(
    config: ClusterConfig, folder: ProcessFiles, identity: ProcessIdentity, unlock_key: UnlockKey | None
) -> tuple[Authority, bytes, bool]:
    """What a manager that does not run has in its state, and whether the cluster locks itself. Raises Conflict."""
    with hold(folder, what=f"manager {identity.name}"):
        tables = asyncio.run(_read(folder.raft)).tables
    keys = KeyFiles(key_folder(config, identity.cluster_id))

    def those() -> Tables:
        return tables

    def nowhere() -> Authority:
        raise Conflict("its state holds no CA")

    vault = Vault(identity.cluster_id, those, kept=keys)
    if unlock_key is not None:
        vault.unlock(unlock_key)
    current = CurrentAuthority(those, vault, nowhere)
    return current.signing(), current.trusted(), tables.ring is not None and tables.ring.autolock


async def _read(raft: Path) -> StateMachine:
    disk = FileDisk()
    try:
        storage = await open_storage(raft, disk)
        try:
            return await state_of(storage)
        finally:
            await storage.journal.close()
    finally:
        await disk.close()


def _processes(
    config: ClusterConfig, files: ClusterFiles, seed: Seed
) -> Iterator[tuple[ProcessFiles, ProcessIdentity, tuple[str, ...]]]:
    """The processes that have a folder here, and at which hosts they are reached."""
    hosts = {m.name: manager_address(config, seed, m.name).host for m in config.managers}
    hosts |= {w.name: w.host for w in config.workers}
    for name, host in hosts.items():
        folder = files.process(name)
        if folder.identity.exists() and not folder.removed.exists():
            yield folder, read_process_identity(folder.identity), (host,)


def _refuse_ended(authority: Authority, now_ms: int) -> None:
    end = authority.certificate.not_valid_after_utc
    if end <= datetime.fromtimestamp(now_ms / 1000, UTC):
        raise Conflict(
            f"The cluster's CA has ended itself, at {end:%Y-%m-%d %H:%M} UTC: see to this machine's clock. If it is "
            "right, no certificate of this CA is believed any more: make a new cluster, and apply your service files."
        )


def _until(certificate: Path) -> str:
    end = datetime.fromtimestamp(validity_in(certificate).ends_ms / 1000, UTC)
    return f"renewed, good until {end:%Y-%m-%d %H:%M} UTC"
