"""``okube cluster install``: from cluster.yaml to machines that run it, as far as they do not.

It may be stopped anywhere and run again. Nothing is changed on any machine before all of them were looked at.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, load_cluster, load_documents
from okube.install.carry import carry_out, lay_out, side_by_side, start
from okube.install.findings import Finding
from okube.install.health import Health, client_of, holds_ca, known_nodes, wait_until_well
from okube.install.installed import Entry, entries_of, installed_of
from okube.install.inventory import Machine, machines_of
from okube.install.layout import LAYOUT, Layout
from okube.install.local import LocalRemote
from okube.install.machinefile import machine_file
from okube.install.plan import Desired, Plan, plan_machine
from okube.install.preflight import Wanted
from okube.install.release import Package, bundle_for, release_that_runs, see_to_release
from okube.install.remote import Remote
from okube.install.restorerecord import unlock_key_of
from okube.install.sowing import authority_of, give_up, known_cluster, left_here, sow_for, tree_of
from okube.install.steps import Gone
from okube.install.survey import Survey, connected, survey
from okube.install.terms import InstallFailed, Looked, NotReady, Options, Outcome, Teller
from okube.processes.lock import one_at_a_time
from okube.security import ClusterFiles
from okube.security.private import ensure_folder
from okube.security.seed import ProcessIdentity, Seed

__all__ = ["Installation", "install", "turn", "wiped_workers"]

_KEPT_S = 15.0
"""How long the cluster may take to have the CA in its state; where it takes longer, the next installation looks."""


def install(config_path: Path, options: Options, tell: Teller) -> Outcome:
    """Install what cluster.yaml describes.

    Raises:
        NotReady: something stands in the way; nothing was changed.
        InstallFailed: it failed on some machines, and why; the others are as they should be.
        OkubeError: cluster.yaml, the bundle or the cluster's files here cannot be used; nothing was changed.
    """
    config = load_cluster(config_path.absolute())
    lock = ensure_folder(config.data_dir) / "up.lock"
    with one_at_a_time(lock, what=f"cluster {config.cluster}"):
        return asyncio.run(Installation(config, config_path, options, tell).run())


class Installation:
    """One run. Its parts are called in order by ``run``; nodes that come later use them by themselves."""

    def __init__(
        self, config: ClusterConfig, config_path: Path, options: Options, tell: Teller, *, layout: Layout = LAYOUT
    ) -> None:
        self.config = config
        self.options = options
        self.tell = tell
        self.layout = layout
        self.cluster_file = machine_file(load_documents(config_path)[0], layout=layout)
        self._begin = time.monotonic()

    async def run(self) -> Outcome:
        """All of it."""
        machines = machines_of(self.config)
        seed = known_cluster(self.config)
        for warning in self.config.warnings:
            self.tell.note(f"note: {warning}")
        async with connected(machines, accept_new=self.options.accept_new, say=self.tell.machine) as (remotes, silent):
            looked = await self.look(machines, remotes, silent, None if seed is None else seed.cluster_id)
            return await self.carry(looked, remotes)

    async def look(
        self,
        machines: Sequence[Machine],
        remotes: Mapping[str, Remote],
        silent: Iterable[tuple[Machine, str]],
        cluster_id: str | None,
    ) -> Looked:
        """Look at all machines; nothing is changed.

        Args:
            machines: those of cluster.yaml.
            remotes: those that answer, by host.
            silent: those that do not, and why.
            cluster_id: whose data may be on them; None: nobody's.

        Raises:
            NotReady: something stands in the way.
            OkubeError: the bundle cannot be used.
        """
        package = bundle_for(self.options.bundle) if self.options.bundle else None
        wanted = self._wanted(cluster_id, package)
        found = await survey(machines, remotes, silent, wanted, reach_always=False, say=self.tell.machine)
        self._refuse_own_folder(remotes)
        left_out = self._refuse(found)
        running = release_that_runs(found.machines, found.facts, self.layout)
        if package is None and self._needs_bundle(found, running):
            self.tell.note("looking for the bundle, or making it")
            package = await asyncio.to_thread(bundle_for, None)
            self._refuse_machines(found, self._wanted(cluster_id, package))
        release = see_to_release(running, package, named=self.options.bundle is not None)
        return Looked(found=found, left_out=tuple(left_out), package=package, release=release)

    async def carry(self, looked: Looked, remotes: Mapping[str, Remote]) -> Outcome:
        """Make what is missing of the cluster's files here, and have the machines as they should be.

        Raises:
            NotReady: something stands in the way; nothing was changed on any machine.
            InstallFailed: it failed on some machines, and why; the others are as they should be.
        """
        found, release = looked.found, looked.release
        seed = known_cluster(self.config)
        plans = await asyncio.to_thread(self._plans, found, seed, release)  # it makes keys, and journals
        if not self.options.dry_run:
            await self._carry_out(plans, remotes, looked.package)
        health = None if self.options.dry_run else await self._well(found.machines)
        if health is not None and health.is_well:
            await self._take_back_key(found, plans, remotes)
        warnings = [each for each in found.findings if each.severity == "warning"]
        return Outcome(
            cluster=self.config.cluster,
            release=release,
            plans=plans,
            findings=(*looked.left_out, *warnings),
            health=health,
            took_s=time.monotonic() - self._begin,
        )

    def _wanted(self, cluster_id: str | None, package: Package | None) -> Wanted:
        targets = {} if package is None else {name: each.glibc for name, each in package.manifest.targets.items()}
        return Wanted(config=self.config, targets=targets, cluster_id=cluster_id, layout=self.layout)

    def _refuse(self, found: Survey) -> list[Finding]:
        """Stop where something stands in the way; the machines that are left out, where that is allowed."""
        away = [Finding.error(machine.host, f"{why}") for machine, why in found.silent]
        if found.errors:
            raise NotReady("nothing was changed: mend this first", [*away, *found.findings])
        if not away:
            return []
        managers = {manager.name for machine in found.machines for manager in machine.managers}
        if len(managers) * 2 <= len(self.config.managers):
            raise NotReady(
                "nothing was changed: without a majority of the managers there is no cluster", [*away, *found.findings]
            )
        if not (self.options.partial or self.tell.may_leave_out(away)):
            raise NotReady(
                "nothing was changed: see to these machines, or go on without them with --partial",
                [*away, *found.findings],
            )
        return [msgspec.structs.replace(each, severity="warning", what=f"left out: {each.what}") for each in away]

    def _refuse_own_folder(self, remotes: Mapping[str, Remote]) -> None:
        """Where this machine is one of them, what is kept here and what is installed here must not be one folder."""
        data_dir, installed = self.config.data_dir, Path(self.layout.data)
        if any(isinstance(each, LocalRemote) for each in remotes.values()) and installed in (
            data_dir,
            *data_dir.parents,
        ):
            raise NotReady(
                f"{data_dir} is where this machine's own processes keep their data once they are installed: name "
                "another data_dir in cluster.yaml, where the CA and the admin's credentials are kept",
                (),
            )

    def _refuse_machines(self, found: Survey, wanted: Wanted) -> None:
        from okube.install.preflight import check_machine

        errors = [
            finding
            for machine in found.machines
            for finding in check_machine(machine, found.facts[machine.host], wanted)
            if finding.severity == "error"
        ]
        if errors:
            raise NotReady("nothing was changed: mend this first", errors)

    def _needs_bundle(self, found: Survey, running: str | None) -> bool:
        versions = str(self.layout.versions)
        return running is None or any(
            running not in found.facts[machine.host].entries.get(versions, ()) for machine in found.machines
        )

    def _plans(self, found: Survey, seed: Seed | None, release: str) -> tuple[Plan, ...]:
        installed = self.installed(found)
        if self.options.dry_run:
            # Nothing is made for it: what would be sent is told by its name alone.
            missing = {name: b"" for name, identity in installed.items() if identity is None}
            desired = self._desired(release, b"", missing, None if seed else ("", b"", b""))
        else:
            problems = [] if seed is None else wiped_workers(self.config, installed, known_nodes(self.config))
            sown = sow_for(self.config, installed) if not problems else None
            if sown is None or sown.problems:
                problems += sown.problems if sown else ()
                raise NotReady("nothing was changed on any machine", [Finding.error("", each) for each in problems])
            trees = {name: tree_of(folder) for name, folder in sown.folders.items()}
            for name in left_here(self.config, installed):
                give_up(self.config, name)
            desired = self._desired(release, self._seed_file(), trees, self._authority(trees))
        return tuple(plan_machine(machine, found.facts[machine.host], desired) for machine in found.machines)

    def installed(self, found: Survey) -> dict[str, ProcessIdentity | None]:
        """Who the processes of machines that answer are, by name; None where one has no folder there."""
        return {
            entry.name: installed_of(found.facts[machine.host], entry, self.layout).identity
            for machine in found.machines
            for entry in entries_of(machine)
        }

    def _desired(
        self, release: str, seed: bytes, trees: Mapping[str, bytes], authority: tuple[str, bytes, bytes] | None
    ) -> Desired:
        return Desired(
            config=self.config,
            cluster_file=self.cluster_file,
            seed=seed,
            release=release,
            trees=trees,
            authority=authority,
            unlock_key=unlock_key_of(self.config) if trees and not self.options.dry_run else None,
            layout=self.layout,
        )

    def _seed_file(self) -> bytes:
        return ClusterFiles(self.config.data_dir).seed.read_bytes()

    def _authority(self, trees: Mapping[str, bytes]) -> tuple[str, bytes, bytes] | None:
        """The CA goes along with the first manager's folder, so that the cluster can take it into its state."""
        first = next((manager.name for manager in self.config.managers if manager.name in trees), None)
        found = authority_of(self.config) if first is not None else None
        return None if first is None or found is None else (first, *found)

    async def _carry_out(self, plans: Sequence[Plan], remotes: Mapping[str, Remote], package: Package | None) -> None:
        by_host = {plan.machine.host: plan for plan in plans}
        bundle = None if package is None else package.path
        busy = [plan.machine for plan in plans if not plan.is_nothing]

        async def prepare(machine: Machine) -> None:
            plan = by_host[machine.host]
            await lay_out(remotes[machine.host], plan, bundle, self.tell.machine, self.layout)
            for name in plan.sent:
                give_up(self.config, name)
            self.tell.machine(machine, "is laid out")

        async def begin(machine: Machine) -> None:
            await start(remotes[machine.host], machine, by_host[machine.host].starts, self.tell.machine)
            self.tell.machine(machine, "runs")

        failures = await side_by_side(busy, prepare, self.tell.machine)
        self._refuse_too_few(by_host, failures)
        starting = [m for m in busy if by_host[m.host].starts and m.host not in failures]
        failures |= await side_by_side(starting, begin, self.tell.machine)
        await self._restart(plans, remotes, failures)
        if failures:
            raise InstallFailed(_told(by_host, failures))

    def _refuse_too_few(self, by_host: Mapping[str, Plan], failures: Mapping[str, str]) -> None:
        """Where most managers could not be laid out, nothing is started: it would wait for them in vain."""
        whole = sum(len(plan.machine.managers) for host, plan in by_host.items() if host not in failures)
        if whole * 2 <= len(self.config.managers):
            raise InstallFailed(_told(by_host, failures))

    async def _restart(self, plans: Sequence[Plan], remotes: Mapping[str, Remote], failures: Mapping[str, str]) -> None:
        """Restart what has other settings now: one process at a time, and the next when the cluster is well again."""
        those = [plan for plan in plans if plan.machine.host not in failures]
        waiting = [(plan.machine, each) for plan in those for each in plan.restarts]
        while waiting:
            health = await self._well([plan.machine for plan in those])
            machine, each = min(waiting, key=lambda item: turn(item[1].entry, health.leader))
            if not health.is_well:
                raise InstallFailed(
                    f"{each.entry.name} was not restarted with its new settings, for the cluster is not well "
                    f"({'; '.join(health.missing)}): see to that, and run it again"
                )
            await start(remotes[machine.host], machine, [each], self.tell.machine)
            self.tell.machine(machine, f"{each.entry.name} runs with its new settings")
            waiting.remove((machine, each))

    async def _take_back_key(self, found: Survey, plans: Sequence[Plan], remotes: Mapping[str, Remote]) -> None:
        """Once the cluster has its CA in its state, no machine of it needs the key in a file."""
        key, certificate = str(self.layout.keys / "ca.key"), str(self.layout.data / "ca" / "ca.crt")
        brought = {plan.machine.host for plan in plans if any(getattr(s, "path", "") == key for s in plan.layout)}
        there = [m for m in found.machines if found.facts[m.host].files.get(key) is not None or m.host in brought]
        if not there or not await asyncio.to_thread(holds_ca, self.config, _KEPT_S):
            return
        for machine in there:
            gone = tuple(Gone(why="takes back the key of the CA", path=path) for path in (key, certificate))
            await carry_out(remotes[machine.host], gone)

    async def _well(self, machines: Sequence[Machine]) -> Health:
        managers = [manager.name for machine in machines for manager in machine.managers]
        workers = [worker.name for machine in machines for worker in machine.workers]
        client = client_of(self.config)
        try:
            return await asyncio.to_thread(
                wait_until_well,
                client,
                managers,
                workers,
                timeout_s=self.options.timeout_s,
                say=lambda what: self.tell.note(f"waiting: {what}"),
            )
        finally:
            client.close()


def wiped_workers(
    config: ClusterConfig, installed: Mapping[str, ProcessIdentity | None], nodes: Collection[str]
) -> list[str]:
    """A sentence for each worker that the cluster knows and whose machine has nothing of it: it was wiped."""
    return [
        f"{worker.name}'s data is gone from {worker.host}, and the cluster keeps its name for what was there: "
        f"'okube nodes rm {worker.name}' gives that up, then run this again."
        for worker in config.workers
        if worker.name in nodes and worker.name in installed and installed[worker.name] is None
    ]


def turn(entry: Entry, leader: str) -> int:
    """When a process is restarted: managers first, of these the leader last, then workers."""
    return 2 if entry.role == "worker" else int(entry.name == leader)


def _told(by_host: Mapping[str, Plan], failures: Mapping[str, str]) -> str:
    lines = [f"{by_host[host].machine.label}: {why}" for host, why in failures.items()]
    return "\n".join(["it is not done; run it again when this is mended, it goes on where it was:", *lines])
