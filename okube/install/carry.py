"""Carries plans out on machines: side by side where nothing that runs is touched, and one at a time where it is."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from okube.install.facts import Facts, Question
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, Layout
from okube.install.onsite import ask
from okube.install.plan import Plan, Start
from okube.install.remote import CommandFailed, Remote
from okube.install.steps import LOCK, Applied, Order, Step
from okube.model.errors import OkubeError

__all__ = ["Say", "bring_release", "carry_out", "lay_out", "side_by_side", "start"]

Say = Callable[[Machine, str], None]
_STEPS_S = 300.0
_PACKAGES_S = 900.0
_UNPACK_S = 300.0
_START_S = 330.0
_AT_ONCE = 20
"""Machines that are sent a bundle at once: it goes through one machine's network."""


async def carry_out(remote: Remote, steps: Sequence[Step], *, timeout_s: float = _STEPS_S) -> None:
    """Do steps on a machine, in order.

    Raises:
        CommandFailed: one of them cannot be done, and why.
        MachineUnreachable: the connection does not hold; nobody knows which of them were done.
    """
    if not steps:
        return
    applied = await ask(remote, "apply", Order(tuple(steps)), Applied, timeout_s=timeout_s)
    if applied.problem:
        raise CommandFailed(applied.problem)


async def bring_release(remote: Remote, release: str, bundle: Path, layout: Layout = LAYOUT) -> None:
    """Have a release on a machine, made there of a bundle.

    Raises:
        CommandFailed: the machine cannot take it, and why.
    """
    there = str(layout.software / f"{release}.bundle.tar.gz")
    (await remote.run(("mkdir", "-p", str(layout.software)))).require(f"making {layout.software}")
    await remote.put(there, await asyncio.to_thread(bundle.read_bytes))
    program = resources.files("okube.install").joinpath("unpack.py").read_bytes()
    words = ("flock", "--timeout", str(round(_UNPACK_S)), LOCK, "python3", "-I", "-B", "-", there, str(layout.versions))
    done = await remote.run(words, program, timeout_s=2 * _UNPACK_S)
    await remote.run(("sh", "-c", f"rm -f {shlex.quote(there)} {shlex.quote(there)}.part.*"))
    answer = _unpacked(done.out)
    if answer is None:
        done.require("unpacking the bundle")
        raise CommandFailed("unpacking the bundle ended without an answer")
    if not answer.ok:
        raise CommandFailed(answer.error)


class _Unpacked(msgspec.Struct):
    ok: bool
    release: str = ""
    error: str = ""


def _unpacked(out: bytes) -> _Unpacked | None:
    for line in reversed(out.splitlines()):
        if line.startswith(b"{"):
            return msgspec.json.decode(line, type=_Unpacked)
    return None


async def lay_out(remote: Remote, plan: Plan, bundle: Path | None, say: Say, layout: Layout = LAYOUT) -> None:
    """The part of a plan that touches nothing that runs.

    Raises:
        CommandFailed, MachineUnreachable: it was not done to its end; it may be done again.
    """
    machine = plan.machine
    if plan.before:
        say(machine, plan.before[0].why)
        await carry_out(remote, plan.before, timeout_s=_PACKAGES_S)
        await _see_engine(remote, plan)
    if plan.release is not None:
        assert bundle is not None
        say(machine, f"gets Okube {plan.release}")
        await bring_release(remote, plan.release, bundle, layout)
    if plan.layout:
        say(machine, "gets its settings and folders")
        await carry_out(remote, plan.layout)


async def _see_engine(remote: Remote, plan: Plan) -> None:
    """After Docker was installed: does it answer?"""
    if not plan.engine:
        return
    facts = await ask(remote, "probe", Question(engine=plan.engine), Facts)
    if facts.engine is not None and facts.engine.problem:
        raise CommandFailed(
            f"Docker was installed and does not answer at {plan.engine} ({facts.engine.problem}): see why, with "
            "journalctl -u docker, and run this again"
        )


async def start(remote: Remote, machine: Machine, starts: Sequence[Start], say: Say) -> None:
    """Start processes of a machine, or start them again, one after the other.

    Raises:
        CommandFailed: one does not start, and what it said last.
    """
    for each in starts:
        say(machine, f"starts {each.entry.name}")
        try:
            await carry_out(remote, each.steps, timeout_s=_START_S)
        except CommandFailed as error:
            said = await remote.run(each.logs)
            lines = said.out.decode("utf-8", "replace").strip().splitlines()[-3:]
            last = f". It said last: {' / '.join(lines)}" if lines else ""
            raise CommandFailed(f"{error.detail}{last}") from error


async def side_by_side(
    machines: Sequence[Machine], do: Callable[[Machine], Awaitable[None]], say: Say
) -> dict[str, str]:
    """Do something on each of the machines; where and why it failed, by host. The others go on."""
    turns = asyncio.Semaphore(_AT_ONCE)
    failures: dict[str, str] = {}

    async def one(machine: Machine) -> None:
        async with turns:
            try:
                await do(machine)
            except OkubeError as error:
                failures[machine.host] = error.detail
                say(machine, "failed, see below")

    async with asyncio.TaskGroup() as group:
        for machine in machines:
            group.create_task(one(machine))
    return failures
