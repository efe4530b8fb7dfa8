"""Whether machines reach each other: who has to reach whom, and what was found.

Managers call each other and every agent; agents call managers. Where nothing listens yet, something does for the time
of the test.
"""

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from okube.install.facts import Facts
from okube.install.findings import Finding
from okube.install.inventory import Machine
from okube.install.onsite import ask
from okube.install.remote import CommandFailed, MachineUnreachable, Remote

__all__ = ["Asked", "Target", "Unreached", "findings_of", "targets_of", "try_all"]

_LISTEN_S = 180
_DIAL_S = 180.0
_MOST_TOLD = 5


class Target(msgspec.Struct, frozen=True):
    """A place that a machine has to reach: of which machine, and of which process."""

    machine: str
    process: str
    host: str
    port: int


class Unreached(msgspec.Struct, frozen=True):
    """A machine does not reach a target, and why."""

    source: str
    target: Target
    problem: str


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``onsite/reach.py`` is asked."""

    do: Literal["listen", "dial", "release"]
    places: tuple[tuple[str, int], ...] = ()
    targets: tuple[tuple[str, int, str], ...] = ()
    word: str = ""
    seconds: float = 0.0
    pid: int = 0


class _Answer(msgspec.Struct, frozen=True):
    pid: int
    problems: tuple[tuple[str, int, str], ...]


def targets_of(machine: Machine, all_machines: Sequence[Machine]) -> tuple[Target, ...]:
    """What a machine has to reach. Its own ports are among it: a manager calls the agent beside it, too."""
    managers = [
        Target(each.host, manager.name, manager.host, port)
        for each in all_machines
        for manager in each.managers
        for port in ((manager.port, manager.raft_port) if machine.managers else (manager.port,))
    ]
    workers = [Target(each.host, w.name, w.host, w.port) for each in all_machines for w in each.workers]
    return (*managers, *(workers if machine.managers else ()))


async def try_all(
    remotes: Mapping[str, Remote], machines: Sequence[Machine], facts: Mapping[str, Facts]
) -> tuple[list[Unreached], dict[str, str]]:
    """Have all machines that answer call each other; those that do not are left out on both sides.

    Args:
        remotes: by the machines' hosts.
        machines: all of the cluster.
        facts: what is known of each that answers, its ports among it.

    Returns:
        Who does not reach what, and why which machines were lost meanwhile, by host.
    """
    lost: dict[str, str] = {}
    there = [machine for machine in machines if machine.host in remotes and machine.host in facts]
    words = {machine.host: os.urandom(16).hex() for machine in there}
    listening = await asyncio.gather(*(_listen(remotes[m.host], facts[m.host], words[m.host]) for m in there))
    free = {m.host: places for m, (places, _) in zip(there, listening, strict=True)}
    try:
        found = await asyncio.gather(*(_dial(remotes[m.host], m, there, words, free, facts, lost) for m in there))
    finally:
        pids = {m.host: pid for m, (_, pid) in zip(there, listening, strict=True)}
        await asyncio.gather(*(_release(remotes[host], pid) for host, pid in pids.items() if pid))
    return [each for those in found for each in those], lost


async def _listen(remote: Remote, facts: Facts, word: str) -> tuple[Collection[tuple[str, int]], int]:
    """Where something listens now for the test, and the process that does."""
    places = tuple((port.host, port.port) for port in facts.ports if not port.problem)
    if not places:
        return (), 0
    try:
        answer = await ask(remote, "reach", Asked("listen", places=places, word=word, seconds=_LISTEN_S), _Answer)
    except (MachineUnreachable, CommandFailed):
        return (), 0  # its own calls fail as well, and that is told
    failed = {(host, port) for host, port, _ in answer.problems}
    return set(places) - failed, answer.pid


async def _dial(
    remote: Remote,
    machine: Machine,
    there: Sequence[Machine],
    words: Mapping[str, str],
    free: Mapping[str, Collection[tuple[str, int]]],
    facts: Mapping[str, Facts],
    lost: dict[str, str],
) -> list[Unreached]:
    served = {m.host: {(p.host, p.port) for p in facts[m.host].ports if p.taken} for m in there}
    targets: dict[tuple[str, int], Target] = {}
    asked = []
    for target in targets_of(machine, there):
        place = (target.host, target.port)
        is_free = place in free[target.machine]
        if place not in targets and (is_free or place in served[target.machine]):
            targets[place] = target
            asked.append((*place, words[target.machine] if is_free else ""))
    try:
        answer = await ask(remote, "reach", Asked("dial", targets=tuple(asked)), _Answer, timeout_s=_DIAL_S)
    except (MachineUnreachable, CommandFailed) as error:
        lost[machine.host] = error.detail
        return []
    return [Unreached(machine.host, targets[host, port], problem) for host, port, problem in answer.problems]


async def _release(remote: Remote, pid: int) -> None:
    try:
        await ask(remote, "reach", Asked("release", pid=pid), _Answer)
    except (MachineUnreachable, CommandFailed):
        return  # it ends by itself


def findings_of(unreached: Sequence[Unreached]) -> list[Finding]:
    """A finding for each machine that does not reach others, with the first few that it does not reach."""
    by_source: dict[str, list[Unreached]] = {}
    for each in unreached:
        by_source.setdefault(each.source, []).append(each)
    return [
        Finding.error(
            source,
            f"does not reach {_listed(those)}",
            "open these ports in firewalls between the machines, and give addresses that all of them reach",
        )
        for source, those in by_source.items()
    ]


def _listed(those: Sequence[Unreached]) -> str:
    told = [f"{each.target.process} at {each.target.host}:{each.target.port} ({each.problem})" for each in those]
    more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return ", ".join(told[:_MOST_TOLD]) + more
