"""A look at all machines at once: who answers, what each of them is, and what stands in the way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from okube.install.facts import Facts
from okube.install.findings import Finding, in_order
from okube.install.installed import question_of
from okube.install.inventory import Machine
from okube.install.local import LocalRemote
from okube.install.onsite import ask
from okube.install.preflight import Wanted, check_machine
from okube.install.preflight_all import check_together, clock_ahead
from okube.install.reaching import findings_of, try_all
from okube.install.remote import CommandFailed, MachineUnreachable, Remote
from okube.model.errors import OkubeError
from okube.processes.here import is_here

__all__ = ["Survey", "connect_to", "connected", "survey"]

Say = Callable[[Machine, str], None]
_AT_ONCE = 50
_PROBE_S = 180.0  # a machine that is emulated, or very busy, takes its time
_SSH_PORT = 22


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Args:
        machines: those that answer, in order.
        silent: those that do not, and why.
        facts: by host.
        clocks: by host, by how many seconds its clock is ahead of ours.
        findings: all that is wrong, but for machines that do not answer.
    """

    machines: tuple[Machine, ...]
    silent: tuple[tuple[Machine, str], ...]
    facts: Mapping[str, Facts]
    clocks: Mapping[str, float]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """What stands in the way on machines that answer."""
        return [finding for finding in self.findings if finding.severity == "error"]


async def connect_to(machine: Machine, *, accept_new: bool = False, say: Callable[[str], None]) -> Remote:
    """A machine, over SSH, or without it where it is this one.

    Raises:
        MachineUnreachable: it does not answer, or does not let us in.
    """
    access = machine.access
    if access.host == machine.host and access.port == _SSH_PORT and is_here(machine.host):
        return LocalRemote()
    from okube.install.ssh import connect

    return await connect(access, accept_new=accept_new, say=say)


@asynccontextmanager
async def connected(
    machines: Sequence[Machine], *, accept_new: bool, say: Say
) -> AsyncIterator[tuple[dict[str, Remote], list[tuple[Machine, str]]]]:
    """Connections to all machines that answer, by host, and why the others do not; closed at the end."""
    turns = asyncio.Semaphore(_AT_ONCE)
    remotes: dict[str, Remote] = {}
    silent: list[tuple[Machine, str]] = []

    async def one(machine: Machine) -> None:
        async with turns:
            try:
                remotes[machine.host] = await connect_to(machine, accept_new=accept_new, say=lambda s: say(machine, s))
            except OkubeError as error:
                silent.append((machine, error.detail))

    try:
        async with asyncio.TaskGroup() as group:
            for machine in machines:
                group.create_task(one(machine))
        yield remotes, sorted(silent, key=lambda each: machines.index(each[0]))
    finally:
        await asyncio.gather(*(remote.close() for remote in remotes.values()), return_exceptions=True)


async def survey(
    machines: Sequence[Machine],
    remotes: Mapping[str, Remote],
    silent: Iterable[tuple[Machine, str]],
    wanted: Wanted,
    *,
    reach_always: bool = True,
    say: Say = lambda _machine, _what: None,
) -> Survey:
    """Probe all machines side by side, have them call each other, and judge what comes out.

    Without ``reach_always`` they do so only where something does not listen yet; else the cluster's own health tells.
    """
    lost = list(silent)
    facts: dict[str, Facts] = {}
    clocks: dict[str, float] = {}

    async def one(machine: Machine) -> None:
        say(machine, "is looked at")
        try:
            question = question_of(machine, wanted.config, layout=wanted.layout)
            sent_s = time.time()
            found = await ask(remotes[machine.host], "probe", question, Facts, timeout_s=_PROBE_S)
        except (MachineUnreachable, CommandFailed) as error:
            lost.append((machine, error.detail))
            return
        facts[machine.host] = found
        clocks[machine.host] = clock_ahead(sent_s, found.began, found.now, time.time())

    async with asyncio.TaskGroup() as group:
        for machine in machines:
            if machine.host in remotes:
                group.create_task(one(machine))
    there = [machine for machine in machines if machine.host in facts]
    all_listen = all(port.taken for machine in there for port in facts[machine.host].ports)
    unreached, gone = ([], {}) if all_listen and not reach_always else await try_all(remotes, there, facts)
    lost += [(machine, gone[machine.host]) for machine in there if machine.host in gone]
    there = [machine for machine in there if machine.host not in gone]
    findings = [finding for machine in there for finding in check_machine(machine, facts[machine.host], wanted)]
    findings += [*check_together(there, facts, clocks), *findings_of(unreached)]
    return Survey(
        machines=tuple(there),
        silent=tuple(lost),
        facts=facts,
        clocks=clocks,
        findings=tuple(in_order(findings)),
    )
