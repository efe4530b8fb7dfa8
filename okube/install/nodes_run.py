"""``okube cluster add-node``, ``remove-node`` and ``replace-manager``: one process, from the begin to the end.

cluster.yaml says what is to be before anything is done, and what is gone is taken out of it once it is; so a call that
was cut off is made again with the same words, and goes on where it was.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from okube.client.api import OkubeClient
from okube.config.edit import with_hosts, without_entries
from okube.config.rewrite import rewritten
from okube.install.inventory import Machine, machines_of
from okube.install.nodes import Done, Role, Step
from okube.install.nodes_add import next_to_add
from okube.install.nodes_change import see_through
from okube.install.nodes_entries import as_known, find, former_machine, names, with_fields
from okube.install.nodes_open import open_site
from okube.install.nodes_plan import Standing, plan
from okube.install.nodes_remove import next_to_remove
from okube.install.nodes_site import NodeChange, Teller
from okube.install.replace import next_to_replace
from okube.install.terms import Options
from okube.model.errors import Conflict, NotFound
from okube.processes.seed import read_cluster

__all__ = ["Changed", "add_node", "remove_node", "replace_manager"]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to: ``steps`` were done, or would be in a dry run, where ``done`` is empty."""

    name: str
    role: Role
    steps: tuple[Step, ...] = ()
    done: str = ""
    notes: tuple[str, ...] = ()
    took_s: float = 0.0


def add_node(
    path: Path,
    name: str,
    role: Role | None,
    fields: dict[str, Any],
    client: OkubeClient,
    options: Options,
    tell: Teller,
) -> Changed:
    """Have a manager or worker more.

    Args:
        path: cluster.yaml, which names it, or will with ``fields``.
        name: whom.
        role: what it is, where the file does not name it yet.
        fields: its entry there, as far as it is given.
        client: asks the managers.
        options: how it is wanted.
        tell: told what happens.

    Raises:
        NotReady: something stands in the way on its machine; nothing was changed.
        OkubeError: it cannot be, or failed; the next call goes on.
    """
    made = rewritten(path, lambda text: with_fields(text, name, role, fields))
    entry, machine = find(made.config, name)
    cluster_id = read_cluster(made.config).cluster_id

    def decide(change: NodeChange, now: Standing) -> Step | Done:
        return next_to_add(name, entry.role, cluster_id, now.machine, now.known, learning=now.learning)

    async def run() -> Changed:
        machines = machines_of(made.config)
        async with open_site(made, machines, client, options, tell, target=machine) as site:
            change = NodeChange(site, entry, machine, decide)
            changed = await _go(change, options, tell, first=made.write)
            return await _tell_others(change, changed, machines, options)

    return asyncio.run(run())


def remove_node(
    path: Path, name: str, client: OkubeClient, options: Options, tell: Teller, *, force: bool = False
) -> Changed:
    """Have a manager or worker less; a worker is emptied first.

    Args:
        path: cluster.yaml, which names it no more in the end.
        name: whom.
        client: asks the managers.
        options: how it is wanted.
        tell: told what happens.
        force: although it takes part and its machine cannot be reached.

    Raises:
        TookTooLong: its tasks did not move in time; they go on.
        OkubeError: it cannot be, or failed; the next call goes on.
    """
    after = rewritten(path, lambda text: without_entries(text, name))
    before = rewritten(path, lambda text: as_known(text, name, client))
    if not names(before.config, name):
        raise NotFound(f"neither cluster.yaml nor the cluster knows {name}")
    entry, machine = find(before.config, name)

    def decide(change: NodeChange, now: Standing) -> Step | Done:
        return next_to_remove(name, entry.role, now.machine, now.known, force=force)

    async def run() -> Changed:
        machines = machines_of(after.config)
        async with open_site(after, machines, client, options, tell, beside=[machine]) as site:
            change = NodeChange(site, entry, machine, decide)
            changed = await _go(change, options, tell, last=after.write)
            return await _tell_others(change, changed, machines, options)

    return asyncio.run(run())


def replace_manager(
    path: Path, name: str, host: str | None, client: OkubeClient, options: Options, tell: Teller
) -> Changed:
    """Have a manager on another machine, or with a new disk where it is.

    Args:
        path: cluster.yaml; ``host`` is written there.
        name: which manager.
        host: its new host; None: cluster.yaml has it.
        client: asks the managers.
        options: how it is wanted.
        tell: told what happens.

    Raises:
        NotReady: something stands in the way on its machine; nothing was changed.
        OkubeError: it cannot be, or failed; the next call goes on.
    """
    made = rewritten(path, lambda text: text if host is None else with_hosts(text, {name: host}))
    entry, machine = find(made.config, name)
    if entry.role != "manager":
        raise Conflict(f"{name} is a worker: 'okube cluster remove-node' and 'add-node' put another in its place")
    cluster_id, former = read_cluster(made.config).cluster_id, former_machine(path, name, machine.host, client)

    def decide(change: NodeChange, now: Standing) -> Step | Done:
        return next_to_replace(
            name, machine.host, cluster_id, now.machine, change.members, former=now.former, begun=True
        )

    async def run() -> Changed:
        machines = machines_of(made.config)
        beside = [] if former is None else [former]
        async with open_site(made, machines, client, options, tell, target=machine, beside=beside) as site:
            change = NodeChange(site, entry, machine, decide, former=former)
            changed = await _go(change, options, tell, first=made.write)
            return await _tell_others(change, changed, machines, options)

    return asyncio.run(run())


async def _go(
    change: NodeChange,
    options: Options,
    tell: Teller,
    *,
    first: Callable[[], None] = lambda: None,
    last: Callable[[], None] = lambda: None,
) -> Changed:
    """Plan it, and unless it is a dry run do it; ``first`` and ``last`` are called before and behind all steps."""
    begun = time.monotonic()
    standing = await change.look()
    planned = plan(standing, change.decide, change.entry.role, change.machine.host)
    changed = Changed(name=change.entry.name, role=change.entry.role, steps=planned)
    if options.dry_run:
        return changed
    first()
    did: list[Step] = []

    def ended(step: Step, seconds: float) -> None:
        did.append(step)
        tell.machine(change.machine, f"{change.entry.name} {step.what} ({seconds:.1f} s)")

    done = await see_through(change, begins=lambda _: None, ended=ended, standing=standing)
    last()
    took_s = time.monotonic() - begun
    return msgspec.structs.replace(changed, steps=tuple(did), done=done.what, notes=done.notes, took_s=took_s)


async def _tell_others(change: NodeChange, changed: Changed, machines: Sequence[Machine], options: Options) -> Changed:
    """All machines have the same cluster.yaml."""
    if options.dry_run:
        return changed
    problems = await change.site.spread(machines)
    return msgspec.structs.replace(changed, notes=(*changed.notes, *problems))
