"""Carries an upgrade out: look, decide who is next (``upgrade``), switch them, wait until they serve, and look again.

To switch a process is to write its unit anew, with the other release in it, and to restart it. One that does not serve
with the new release gets its former unit back, and the upgrade stops; so it costs the cluster one manager for a
moment, or a few agents whose containers go on.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from okube.config import ClusterConfig
from okube.install.bundle import Manifest, read_manifest
from okube.install.carry import bring_release
from okube.install.facts import Facts, Question
from okube.install.init import Init, LabInit, Systemd, init_of
from okube.install.installed import Entry, entries_of, installed_of, started_file
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT
from okube.install.onsite import ask
from okube.install.plan import settings_sum
from okube.install.remote import CommandFailed, Remote
from okube.install.units import installed_process, unit_text
from okube.install.upgrade import Part, former_of, how_to_go_on, next_batch, refusal
from okube.model.errors import Conflict, OkubeError

__all__ = ["Cluster", "UpgradeStopped", "Upgrader"]

T = TypeVar("T")
Json = dict[str, Any]
Say = Callable[[str], None]
_POLL_S = 0.25
_RESTART_S = 330.0
_LOG_LINES = 6
_RUNNING = """
import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        words = open(path, "rb").read().decode("utf-8", "replace").split(chr(0))
    except OSError:
        continue
    if words[0].startswith("/opt/okube/versions/"):
        print(" ".join(words))
"""


class UpgradeStopped(OkubeError):
    """It stopped in the middle; the message says where, why, and how to go on or back."""

    kind = "upgrade-stopped"


class Cluster(Protocol):
    """What is asked of the managers; ``OkubeClient`` is one."""

    def status(self) -> Json:
        """The cluster at a glance."""

    def nodes(self) -> list[Json]:
        """All nodes."""


class _View(msgspec.Struct, frozen=True):
    parts: tuple[Part, ...]
    quorum: bool
    command_version: int
    away: tuple[str, ...]
    facts: dict[str, Facts]


class Upgrader:
    """One upgrade.

    Args:
        config: cluster.yaml.
        machines: those that take part, with all that runs on each.
        remotes: the connections to them, by host.
        cluster: its managers.
        batch: how many workers at once.
        timeout_s: how long each may take to serve again.
        say: told a line for each process.
    """

    def __init__(
        self,
        config: ClusterConfig,
        machines: Sequence[Machine],
        remotes: Mapping[str, Remote],
        cluster: Cluster,
        *,
        batch: int,
        timeout_s: float,
        say: Say,
    ) -> None:
        self._config = config
        self._machines = machines
        self._remotes = remotes
        self._cluster = cluster
        self._batch = batch
        self._timeout_s = timeout_s
        self._say = say
        self._turn = asyncio.Lock()  # a client has one connection

    async def run(self, bundle: Path, *, back: bool = False, dry_run: bool = False) -> bool:
        """Have all processes run the release of a bundle; whether anything was to be done.

        Raises:
            Conflict: it must not begin, and why.
            UpgradeStopped: one did not come back, and was put back.
            MachineUnreachable: a connection was lost; run it again.
            CommandFailed: a machine has no room for the release, or no Python for it.
        """
        manifest = read_manifest(bundle)
        view = await self._look()
        self._refuse(view, manifest, back=back)
        if not next_batch(view.parts, manifest.release, 1):
            await self._finish(manifest.release)
            return False
        if dry_run:
            self._tell_order(view.parts, manifest.release)
            return True
        await self._bring(bundle, manifest, view)
        while batch := next_batch(view.parts, manifest.release, self._batch):
            await self._switch_all(batch, manifest.release, view)
            view = await self._look()
            self._refuse(view, manifest, back=back)
        await self._finish(manifest.release)
        return True

    def _refuse(self, view: _View, manifest: Manifest, *, back: bool) -> None:
        why = refusal(
            view.parts, manifest, quorum=view.quorum, command_version=view.command_version, back=back, away=view.away
        )
        if why is not None:
            raise Conflict(f"{why}.")

    def _tell_order(self, parts: Sequence[Part], release: str) -> None:
        left = list(parts)
        while batch := next_batch(left, release, self._batch):
            for part in batch:
                self._say(f"{part.name:<10} {part.role:<8} {part.runs or part.named} -> {release}")
                left[left.index(part)] = msgspec.structs.replace(part, named=release, runs=release)

    async def _look(self) -> _View:
        machines = [machine for machine in self._machines if machine.host in self._remotes]
        found = await asyncio.gather(*(self._facts(machine) for machine in machines))
        facts = {machine.host: each for machine, each in zip(machines, found, strict=True)}
        status = await self._ask(self._cluster.status)
        nodes = {node["name"]: node for node in await self._ask(self._cluster.nodes)}
        managers = {manager["name"]: manager for manager in status["managers"]}
        parts = tuple(
            _part(entry, machine, facts[machine.host], managers, nodes)
            for machine in machines
            for entry in entries_of(machine)
        )
        here = {part.name for part in parts}
        away = tuple(name for name, manager in managers.items() if name not in here and not _serves(manager))
        return _View(parts, bool(status["quorum"]), status["command_version"], away, facts)

    async def _ask(self, call: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(call)

    async def _facts(self, machine: Machine) -> Facts:
        units = [entry.unit for entry in entries_of(machine)]
        question = Question(
            syncs=0,
            listed=(str(LAYOUT.versions),),
            contents=tuple(str(LAYOUT.units / unit) for unit in units),
            commands={
                **{each.kind: each.show(units) for each in (Systemd(), LabInit())},
                "running": ("python3", "-I", "-c", _RUNNING),
            },
        )
        return await ask(self._remotes[machine.host], "probe", question, Facts)

    async def _bring(self, bundle: Path, manifest: Manifest, view: _View) -> None:
        """Side by side, before anything is switched: a machine that cannot have it stops the upgrade here."""
        lacking = [
            host for host, facts in view.facts.items() if manifest.release not in facts.entries[str(LAYOUT.versions)]
        ]
        if not lacking:
            return
        began = time.monotonic()
        results = await asyncio.gather(
            *(bring_release(self._remotes[host], manifest.release, bundle) for host in lacking),
            return_exceptions=True,
        )
        problems = [f"{host}: {why}" for host, why in zip(lacking, results, strict=True) if isinstance(why, OkubeError)]
        others = [each for each in results if isinstance(each, BaseException) and not isinstance(each, OkubeError)]
        if others:
            raise others[0]
        if problems:
            raise CommandFailed("\n".join([*problems, "Nothing was switched: all run what they ran before."]))
        self._say(f"release {manifest.release} is on {len(lacking)} machines ({time.monotonic() - began:.1f} s)")

    async def _switch_all(self, batch: Sequence[Part], release: str, view: _View) -> None:
        """Side by side; where some do not come back, those alone are put back."""
        results = await asyncio.gather(*(self._switch(part, release, view) for part in batch))
        failed = {part.name: why for part, why in zip(batch, results, strict=True) if why is not None}
        if not failed:
            return
        after = await self._look_again(view)
        told = "\n".join(f"{name} does not run {release}: {why}" for name, why in failed.items())
        former = former_of(batch[0], view.parts, release) or release
        raise UpgradeStopped(f"{told}\n{how_to_go_on(after.parts, release, former)}")

    async def _look_again(self, view: _View) -> _View:
        try:
            return await self._look()
        except OkubeError:
            return view

    async def _switch(self, part: Part, release: str, view: _View) -> str | None:
        """Have one process run the release; why it does not, after it was put back."""
        began = time.monotonic()
        place = self._place(part, view)
        problem = await self._restart(place, release)
        problem = problem or await self._wait(part)
        if problem is None:
            self._say(f"{part.name:<10} {part.role:<8} {release} ({time.monotonic() - began:.1f} s)")
            return None
        logs = await self._logs(place)
        said = f"{problem}{logs}"
        former = former_of(part, view.parts, release)
        if former is None:
            return said
        self._say(f"{part.name:<10} {part.role:<8} does not come back with {release}: puts it back")
        again = await self._restart(place, former) or await self._wait(part)
        return said if again is None else f"{said}\nWith {former} it does not either: {again}"

    def _place(self, part: Part, view: _View) -> "_Place":
        return _Place(part, self._remotes[part.machine], init_of(view.facts[part.machine].init))

    async def _restart(self, place: "_Place", release: str) -> str | None:
        part, remote, init = place.part, place.remote, place.init
        entry = Entry(part.role, part.name)
        text = unit_text(installed_process(self._config, part.role, part.name, release)).encode()
        await remote.put(str(LAYOUT.units / entry.unit), text, 0o644)
        (await remote.run(init.reload())).require("reading the units")
        done = await remote.run(init.restart([entry.unit]), timeout_s=_RESTART_S)
        if done.status != 0:
            return "its unit does not start"
        remembered = f"{settings_sum(entry, text, self._config)}\n".encode()
        await remote.put(started_file(part.name), remembered, 0o644)
        return None

    async def _wait(self, part: Part) -> str | None:
        """Until it serves and all managers are at one; why not, when the time is over."""
        deadline = time.monotonic() + self._timeout_s
        problem = ""
        while time.monotonic() < deadline:
            problem = await self._is_back(part)
            if not problem:
                return None
            await asyncio.sleep(_POLL_S)
        return f"{problem} {self._timeout_s:g} s later"

    async def _is_back(self, part: Part) -> str:
        """Empty, or what is still missing."""
        try:
            status = await self._ask(self._cluster.status)
            if part.role == "manager":
                late = [m["name"] for m in status["managers"] if not _serves(m)]
                return f"{', '.join(late)} not ready" if late or not status["quorum"] else ""
            nodes = {node["name"]: node for node in await self._ask(self._cluster.nodes)}
        except OkubeError as error:
            return f"no answer from the managers ({error.detail})"
        return "" if nodes.get(part.name, {}).get("state") == "ready" else "its node is not ready"

    async def _logs(self, place: "_Place") -> str:
        unit = Entry(place.part.role, place.part.name).unit
        said = await place.remote.run(place.init.logs(unit, _LOG_LINES))
        lines = said.out.decode("utf-8", "replace").strip().splitlines()[-_LOG_LINES:]
        return ". It wrote last:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""

    async def _finish(self, release: str) -> None:
        """Have people's ``okube`` be of the release too, on every machine."""
        target, link = str(LAYOUT.release(release)), str(LAYOUT.current)
        script = f'[ "$(readlink {link})" = {target} ] || {{ ln -sfn {target} {link}.new && mv -T {link}.new {link}; }}'
        for remote in self._remotes.values():
            (await remote.run(("sh", "-c", script))).require(f"pointing {link} to {target}")


class _Place(msgspec.Struct, frozen=True):
    part: Part
    remote: Remote
    init: Init


def _part(
    entry: Entry, machine: Machine, facts: Facts, managers: Mapping[str, Json], nodes: Mapping[str, Json]
) -> Part:
    if entry.role == "manager":
        seen = managers.get(entry.name)
        ready, leads = seen is not None and _serves(seen), seen is not None and seen["role"] == "leader"
    else:
        ready, leads = nodes.get(entry.name, {}).get("state") == "ready", False
    return Part(
        role=entry.role,
        name=entry.name,
        machine=machine.host,
        named=installed_of(facts, entry).release,
        runs=_running(facts, entry),
        is_ready=ready,
        leads=leads,
    )


def _serves(manager: Json) -> bool:
    return manager["state"] == "ready" and manager["role"] in ("leader", "follower")


def _running(facts: Facts, entry: Entry) -> str | None:
    """The release that a process was started from: its command line names its program."""
    told = facts.commands.get("running")
    for line in told.out.splitlines() if told else ():
        words = line.split()
        if [entry.role, "--name", entry.name] in [words[n : n + 3] for n in range(len(words))]:
            programs = [LAYOUT.release_of(word) for word in words]
            return next((release for release in programs if release is not None), None)
    return None
