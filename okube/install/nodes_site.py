"""The machines and the cluster, open for a change of one process: what is looked at, and how each step is done."""

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from okube.client.api import OkubeClient
from okube.config import ClusterConfig
from okube.install.carry import carry_out, lay_out, start
from okube.install.facts import Facts
from okube.install.installed import Entry, question_of
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, Layout
from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.nodes_cluster import drain, forget, managers_in, new_token, node_in, revoke, serving, wait_until
from okube.install.nodes_machine import OnSite
from okube.install.nodes_plan import Standing
from okube.install.onsite import ask
from okube.install.plan import Desired, Plan, plan_machine
from okube.install.remote import CommandFailed, Remote
from okube.install.steps import File
from okube.model.errors import OkubeError

__all__ = ["Decide", "NodeChange", "Site", "Teller"]

Decide = Callable[["NodeChange", Standing], Step | Done]


class Teller(Protocol):
    """Who tells a person how far it is."""

    def machine(self, machine: Machine, what: str) -> None:
        """What a machine is at."""

    def note(self, sentence: str) -> None:
        """Something about the whole."""


class Site:
    """What a change needs of the cluster.

    Args:
        config: cluster.yaml as it is to be.
        cluster_file: its text for machines.
        client: asks the managers.
        remotes: the machines that answer, by host.
        release: the release that processes run; empty where nothing is to be installed.
        bundle: where that is, if a machine may need it.
        timeout_s: how long to wait for what takes its time.
        tell: told what happens.
    """

    def __init__(
        self,
        config: ClusterConfig,
        cluster_file: bytes,
        client: OkubeClient,
        remotes: Mapping[str, Remote],
        *,
        release: str = "",
        bundle: Path | None = None,
        timeout_s: float,
        tell: Teller,
        layout: Layout = LAYOUT,
    ) -> None:
        self.config = config
        self.client = client
        self.remotes = remotes
        self.bundle = bundle
        self.timeout_s = timeout_s
        self.tell = tell
        self.layout = layout
        self.desired = Desired(
            config=config, cluster_file=cluster_file, seed=None, release=release, trees={}, layout=layout
        )

    def with_client(self, client: OkubeClient) -> "Site":
        """The same, for work that goes on beside another: a client is for one at a time."""
        other = copy.copy(self)
        other.client = client
        return other

    async def probe(self, machine: Machine) -> Facts:
        """What a machine is, now."""
        question = question_of(machine, self.config, syncs=0, layout=self.layout)
        return await ask(self.remotes[machine.host], "probe", question, Facts)

    async def spread(self, machines: Iterable[Machine]) -> list[str]:
        """Give machines the cluster.yaml as it is now; why it could not be given to which."""
        problems: list[str] = []

        async def one(machine: Machine) -> None:
            remote = self.remotes.get(machine.host)
            if remote is None:
                problems.append(f"{machine.label} did not answer, and has the former cluster.yaml")
                return
            path = str(self.layout.cluster_file)
            try:
                if (await remote.run(("test", "-f", path))).status == 0:
                    content = self.desired.cluster_file
                    await carry_out(remote, [File(why=f"changes {path}", path=path, content=content)])
            except OkubeError as error:
                problems.append(f"{machine.label} has the former cluster.yaml: {error.detail}")

        async with asyncio.TaskGroup() as group:
            for machine in machines:
                group.create_task(one(machine))
        return sorted(problems)


class NodeChange:
    """A change of one process.

    Args:
        site: the cluster.
        entry: the process.
        machine: where it is, or is to be.
        decide: what is next.
        former: where it was, if that is another machine.
    """

    def __init__(
        self, site: Site, entry: Entry, machine: Machine, decide: Decide, *, former: Machine | None = None
    ) -> None:
        self.site = site
        self.entry = entry
        self.machine = machine
        self.former = former
        self.members: dict[str, InCluster] = {}
        self._decide = decide
        self._plan: Plan | None = None
        self._on_site: dict[bool, OnSite] = {}
        self._known: InCluster | None = None

    async def look(self) -> Standing:
        """How things stand now."""
        self.members = await asyncio.to_thread(managers_in, self.site.client)
        self._known = self.members.get(self.entry.name)
        if self.entry.role == "worker":
            self._known = await asyncio.to_thread(node_in, self.site.client, self.entry.name)
        return Standing(
            machine=await self._look_at(self.machine, former=False),
            known=self._known,
            former=None if self.former is None else await self._look_at(self.former, former=True),
            learning=tuple(name for name, member in self.members.items() if not member.voter),
        )

    def decide(self, standing: Standing) -> Step | Done:
        """The next step."""
        return self._decide(self, standing)

    async def carry_out(self, step: Step) -> None:
        """Do it."""
        on_site = self._on_site.get(step.former)
        match step.verb:
            case "install":
                assert self._plan is not None
                remote = self.site.remotes[self.machine.host]
                await lay_out(remote, self._plan, self.site.bundle, self.site.tell.machine, self.site.layout)
            case "join":
                await self._join()
            case "start":
                await self._start()
            case "wait":
                await asyncio.to_thread(self._wait)
            case "drain":
                await asyncio.to_thread(self._drain)
            case "forget":
                assert self._known is not None
                await asyncio.to_thread(forget, self.site.client, self.entry.role, self.entry.name, self._known)
            case "set-aside" | "stop" | "clear":
                assert on_site is not None
                await {"set-aside": on_site.set_aside, "stop": on_site.stop, "clear": on_site.clear}[step.verb]()

    async def _look_at(self, machine: Machine, *, former: bool) -> OnMachine:
        if machine.host not in self.site.remotes:
            return OnMachine(reachable=False)
        facts = await self.site.probe(machine)
        on_site = OnSite(self.site.remotes[machine.host], facts, self.entry, self.site.layout)
        self._on_site[former] = on_site
        if former or not self.site.desired.release:
            return await on_site.look(laid_out=True)
        self._plan = plan_machine(machine, facts, self.site.desired)
        return await on_site.look(laid_out=not (self._plan.before or self._plan.release or self._plan.layout))

    def _drain(self) -> None:
        drain(
            self.site.client,
            self.entry.name,
            self.site.timeout_s,
            lambda left: self.site.tell.machine(self.machine, left),
        )

    async def _join(self) -> None:
        client, role, name = self.site.client, self.entry.role, self.entry.name
        token = await asyncio.to_thread(new_token, client, role)
        managers = ",".join(f"https://{address}" for address in await asyncio.to_thread(serving, client))
        others = [worker.name for worker in self.machine.workers if worker.name != name]
        try:
            await self._on_site[False].join(token, managers, beside=role == "worker" and bool(others))
        finally:
            await asyncio.to_thread(revoke, client, token)

    async def _start(self) -> None:
        assert self._plan is not None
        own = [each for each in self._plan.starts if each.entry == self.entry]
        if not own:
            raise CommandFailed(f"{self.entry.unit} is at its start or its end, and does not serve yet: try again")
        await start(self.site.remotes[self.machine.host], self.machine, own, self.site.tell.machine)

    def _wait(self) -> None:
        """Until it takes part, and no manager learns."""
        site, name = self.site, self.entry.name

        def there() -> bool:
            members = managers_in(site.client)
            if self.entry.role == "worker":
                node = node_in(site.client, name)
                return node is not None and node.answers
            own = members.get(name)
            return all(member.voter for member in members.values()) and (own is None or own.answers)

        wait_until(there, site.timeout_s, lambda: f"{name} does not take part yet; its log says what holds it up")
