"""``okube cluster restore``: the cluster of a snapshot on the machines of cluster.yaml, which may all be new.

The managers' folders are made here, all with the snapshot's state, and then sent like those of a first installation: so
each is in one place at any time, and an interrupted restore goes on as an interrupted installation does. What remembers
that it was begun is written between the two.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from okube.config import ClusterConfig, load_cluster
from okube.install.health import client_of
from okube.install.installed import Entry, seed_on
from okube.install.inventory import Machine, machines_of
from okube.install.nodes_machine import OnSite
from okube.install.remote import Remote
from okube.install.restorefound import judge, managers_before, refuse_former, refuse_living, refuse_older
from okube.install.restorerecord import Record, begun_with, sum_of, write_record
from okube.install.run import Installation
from okube.install.survey import connected
from okube.install.terms import Looked, Options, Outcome, Teller
from okube.processes.lock import one_at_a_time
from okube.processes.restore import RestorePlan, listens, make_anew, plan_restore
from okube.processes.seed import read_cluster
from okube.security import ClusterFiles
from okube.security.keyfiles import read_key
from okube.security.keyring import UnlockKey
from okube.security.private import ensure_folder
from okube.security.seed import Member

__all__ = ["Agree", "RestoreOptions", "Restored", "restore_on_machines"]

Agree = Callable[[Sequence[str]], bool]
"""Whether a person, who is told these sentences, wants it."""


class RestoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How it is wanted.

    Args:
        install: how machines are reached, and what they get.
        ca: a folder with ca.crt and ca.key, where the CA is not to be had otherwise.
        unlock_key: the unlock key or its file; None: it is looked for in this machine's folder of keys.
        without_unlock_key: give up what only that key opens.
        incarnation: the first number of the epochs that begin; else one more than any that is known.
        anew: begin anew, though it was begun or done before, and put managers' folders of before aside.
    """

    install: Options
    ca: Path | None = None
    unlock_key: Path | UnlockKey | None = None
    without_unlock_key: bool = False
    incarnation: int | None = None
    anew: bool = False


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to.

    Args:
        says: what was restored, and what follows from it; empty where an earlier call did that.
        incarnation: the first number of the cluster's epochs now, or that which they would have.
        before: how far an earlier call had come with this snapshot.
        outcome: what was done on the machines; None: nobody agreed to it.
        locked: whether managers wait for the unlock key.
    """

    says: tuple[str, ...] = ()
    incarnation: int
    before: Literal["nothing", "begun", "done"] = "nothing"
    outcome: Outcome | None = None
    locked: bool = False


def restore_on_machines(
    config_path: Path, data: bytes, options: RestoreOptions, tell: Teller, agree: Agree
) -> Restored:
    """Have the cluster of a snapshot on the machines of cluster.yaml.

    Args:
        config_path: cluster.yaml.
        data: the snapshot's file.
        options: how it is wanted.
        tell: told how far it is.
        agree: asked before anything is changed.

    Raises:
        NotReady: something stands in the way on the machines; nothing was changed.
        Conflict: managers answer there, or the snapshot is of another cluster; nothing was changed.
        BadFile: the snapshot is damaged, or the CA or the unlock key is not to be had; nothing was changed.
        InstallFailed: it failed on some machines; the next call goes on.
    """
    config = load_cluster(config_path.absolute())
    with one_at_a_time(ensure_folder(config.data_dir) / "up.lock", what=f"cluster {config.cluster}"):
        return asyncio.run(_Restoration(config, config_path, data, options, tell, agree).run())


class _Restoration:
    def __init__(
        self, config: ClusterConfig, path: Path, data: bytes, options: RestoreOptions, tell: Teller, agree: Agree
    ) -> None:
        self.config = config
        self.path = path
        self.data = data
        self.options = options
        self.tell = tell
        self.agree = agree
        self.machines = machines_of(config)
        self.installation = Installation(config, path, options.install, tell)

    async def run(self) -> Restored:
        begun = None if self.options.anew else begun_with(self.config, self.data)
        plan = None if begun is not None else await asyncio.to_thread(self._plan)
        accept_new = self.options.install.accept_new
        async with connected(self.machines, accept_new=accept_new, say=self.tell.machine) as (remotes, silent):
            cluster_id = read_cluster(self.config).cluster_id if plan is None else plan.archive.head.cluster_id
            looked = await self.installation.look(self.machines, remotes, silent, cluster_id)
            if begun is not None and self._is_somewhere(looked):
                return await self._go_on(begun, looked, remotes)
            if plan is None:
                plan = await asyncio.to_thread(self._plan)
            return await self._begin(plan, looked, remotes, silent)

    def _is_somewhere(self, looked: Looked) -> bool:
        """Whether there is a manager's folder still: where all are lost again, to go on with would make no cluster."""
        installed, here = self.installation.installed(looked.found), ClusterFiles(self.config.data_dir)
        names = [manager.name for manager in self.config.managers]
        return any(installed.get(name) is not None or here.process(name).identity.exists() for name in names)

    def _plan(self) -> RestorePlan:
        return plan_restore(
            self.path,
            self.data,
            ca=self.options.ca,
            incarnation=self.options.incarnation,
            unlock_key=self.options.unlock_key,
            without_unlock_key=self.options.without_unlock_key,
            elsewhere=True,
        )

    async def _begin(
        self,
        plan: RestorePlan,
        looked: Looked,
        remotes: Mapping[str, Remote],
        silent: Sequence[tuple[Machine, str]],
    ) -> Restored:
        if looked.package is not None:
            refuse_older(looked.package)
        found = judge(self.config, plan.nodes, self.installation.installed(looked.found))
        if not self.options.anew:
            refuse_former(found)
            refuse_living(await self._living(looked))
        says = (*plan.says, *found.says())
        if found.former:
            says += (f"The folders of {', '.join(found.former)} are put aside on their machines.",)
        if self.options.install.dry_run:
            outcome = await self.installation.carry(looked, remotes)
            return Restored(says=says, incarnation=plan.incarnation, outcome=outcome)
        if not await asyncio.to_thread(self.agree, says):
            return Restored(says=says, incarnation=plan.incarnation)
        if found.former:
            await self._put_aside(found.former, looked, remotes)
            looked = await self.installation.look(self.machines, remotes, silent, plan.archive.head.cluster_id)
        plan = msgspec.structs.replace(plan, new_workers=found.new_workers, lost_nodes=found.lost)
        await asyncio.to_thread(make_anew, plan)
        is_kept = plan.unlock_key is not None and plan.ring is not None and not plan.ring.autolock
        key = plan.unlock_key.id if plan.unlock_key is not None and is_kept else ""
        record = Record(sum_of(self.data), plan.incarnation, key)
        write_record(self.config, record)
        self.tell.note(f"cluster {self.config.cluster} is made anew, in incarnation {plan.incarnation}")
        done = await self._go_on(record, looked, remotes)
        return msgspec.structs.replace(done, says=says, before="nothing")

    async def _go_on(self, record: Record, looked: Looked, remotes: Mapping[str, Remote]) -> Restored:
        outcome = await self.installation.carry(looked, remotes)
        locked = False
        if outcome.health is not None and outcome.health.is_well:
            write_record(self.config, msgspec.structs.replace(record, done=True))
            locked = await asyncio.to_thread(_unlock, self.config, self.options.unlock_key)
        before: Literal["begun", "done"] = "done" if record.done else "begun"
        return Restored(incarnation=record.incarnation, before=before, outcome=outcome, locked=locked)

    async def _living(self, looked: Looked) -> list[Member]:
        """Managers of before that answer at other addresses, as far as machines here and there know of them."""
        seeds = [seed for facts in looked.found.facts.values() if (seed := seed_on(facts)) is not None]
        before = managers_before(self.config, seeds)
        heard = await asyncio.gather(*(asyncio.to_thread(listens, member.host, member.port) for member in before))
        return [member for member, answers in zip(before, heard, strict=True) if answers]

    async def _put_aside(self, names: Sequence[str], looked: Looked, remotes: Mapping[str, Remote]) -> None:
        """End managers of before for good, and give their folders names that nothing starts from."""
        for machine in looked.found.machines:
            for name in (manager.name for manager in machine.managers if manager.name in names):
                facts = looked.found.facts[machine.host]
                there = OnSite(remotes[machine.host], facts, Entry("manager", name))
                self.tell.machine(machine, f"{name} of before is put aside")
                await there.stop()
                await there.set_aside()


def _unlock(config: ClusterConfig, named: Path | UnlockKey | None) -> bool:
    """Give managers that lock themselves the unlock key, where it was given; whether some are locked still."""
    client = client_of(config)
    try:
        if not any(manager.get("locked") for manager in client.status().get("managers") or []):
            return False
        if named is None:
            return True
        key = read_key(named) if isinstance(named, Path) else named
        return bool(client.unlock(key.text).get("missing"))
    finally:
        client.close()
