"""The folder of one process: made once, under another name until it is whole, so that half of one is never seen."""

import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from okube.config import ManagerConfig, WorkerConfig
from okube.model.names import new_id
from okube.processes.lock import runs_in
from okube.security import ClusterFiles, Identity, ProcessFiles, Role, TlsFiles
from okube.security.ca import Authority
from okube.security.issue import install, is_due
from okube.security.private import ensure_folder, sync_folder
from okube.security.seed import ProcessIdentity, Seed, read_process_identity, write_process_identity

__all__ = ["Bootstrap", "Folders", "certify"]

Bootstrap = Callable[[ProcessIdentity, Path], None]
"""Writes a new manager's first Raft state into the folder, which gets its final name afterwards."""


class Folders(msgspec.Struct, frozen=True):
    """Makes the folders of a cluster's processes.

    ``seeding`` tells that the cluster is being made: only then does a manager's missing folder mean that it was never
    there.
    """

    files: ClusterFiles
    seed: Seed
    authority: Authority | None
    seeding: bool
    bootstrap: Bootstrap
    rng: random.Random
    now_ms: int
    life: timedelta

    def manager(self, manager: ManagerConfig) -> str | None:
        """Make or renew a manager's folder; a sentence where it cannot be used."""
        member = next((m for m in self.seed.members if m.name == manager.name), None)
        host = member.host if member else manager.host
        if self.files.process(manager.name).removed.exists():
            return (
                f"{manager.name} was removed from the cluster: take it out of cluster.yaml, or have a new one join "
                f"with 'okube managers add {manager.name}'."
            )
        if self.files.process(manager.name).identity.exists():
            self._renew(manager.name, "manager", (host,))
            return None
        if member is None:
            return (
                f"{manager.name} is no manager of the cluster yet, so it is not started: 'okube managers add "
                f"{manager.name}' has it join."
            )
        if not self.seeding:
            return (
                f"{manager.name}'s data is gone: there is no {self.files.process(manager.name).identity}. It is not "
                "made again: a wiped manager is another instance, and one that forgot its votes could undo what was "
                f"acknowledged. Put the folder itself back if you have it, but no older copy; else replace it: 'okube "
                f"managers remove {manager.name}', then 'okube managers add {manager.name}'."
            )
        return self.make(ProcessIdentity("manager", self.seed.cluster_id, manager.name, member.instance), (host,))

    def worker(self, worker: WorkerConfig) -> str | None:
        """Make or renew a worker's folder; a sentence where it cannot be used."""
        if self.files.process(worker.name).identity.exists():
            self._renew(worker.name, "worker", (worker.host,))
            return None
        return self.make(ProcessIdentity("worker", self.seed.cluster_id, worker.name, new_id(self.rng)), (worker.host,))

    def make(self, identity: ProcessIdentity, hosts: tuple[str, ...]) -> str | None:
        """Make a folder that is not there, with its certificate; a sentence where that cannot be."""
        if self.authority is None:
            return (
                f"{identity.name} has no folder here, and this machine does not have the cluster's CA, which signs its "
                f"certificate: have it join ('okube token create --role {identity.role}', then 'okube join'), or run "
                "'okube up' on the machine that has the CA's key, and copy the folder over."
            )
        final = self.files.process(identity.name)
        if final.root.exists() and any(final.root.iterdir()):
            return f"{final.root} is in the way: it holds files and no identity.json, so it is not {identity.name}'s."
        making = ProcessFiles(final.root.with_name(f".{identity.name}.making"))
        shutil.rmtree(making.root, ignore_errors=True)
        ensure_folder(making.root)
        write_process_identity(making.identity, identity)
        who = Identity(identity.cluster_id, identity.role, identity.name, identity.instance)
        certify(self.authority, who, making.tls, hosts=hosts, now_ms=self.now_ms, life=self.life)
        if identity.role == "manager":
            self.bootstrap(identity, making.root)
        making.root.rename(final.root)
        sync_folder(final.root.parent)
        return None

    def _renew(self, name: str, role: Role, hosts: tuple[str, ...]) -> None:
        """While it does not run: a process that does renews its certificate by itself."""
        folder = self.files.process(name)
        if self.authority is None or runs_in(folder) is not None:
            return
        who = Identity(self.seed.cluster_id, role, name, read_process_identity(folder.identity).instance)
        certify(self.authority, who, folder.tls, hosts=hosts, now_ms=self.now_ms, life=self.life)


def certify(
    authority: Authority,
    identity: Identity,
    tls: TlsFiles,
    *,
    hosts: tuple[str, ...] = (),
    now_ms: int,
    life: timedelta | None = None,
) -> None:
    """Have a certificate in its folder that fits and lasts a while; one that does is left alone."""
    if is_due(authority, identity, tls, hosts=hosts, now_ms=now_ms):
        install(authority, identity, tls, hosts=hosts, now_ms=now_ms, life=life)
