"""The support bundle: what somebody who helps needs to see of a cluster, in one file, and no secret.

Only what is named here is read of a machine: never the data of a manager, a key, a certificate's key or a token.
"""

import asyncio
import io
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from okube.config import ClusterConfig
from okube.install.facts import Facts, Question
from okube.install.init import LabInit, Systemd
from okube.install.installed import Entry, entries_of
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT
from okube.install.onsite import ask
from okube.install.remote import Remote
from okube.install.scrub import scrub, without_values
from okube.model.errors import OkubeError

__all__ = ["Source", "SupportFile", "gather", "pack"]

Json = dict[str, Any]
_GATHER_S = 120.0
_LOOKS: dict[str, tuple[str, ...]] = {
    "uptime": ("uptime",),
    "memory": ("free", "-m"),
    "disks": ("df", "-h"),
    "inodes": ("df", "-i"),
    "addresses": ("ip", "-brief", "address"),
    "routes": ("ip", "route"),
    "sockets": ("ss", "-tlnp"),
    "processes": ("ps", "-eo", "pid,ppid,user,nice,rss,etime,comm"),
    "docker": ("docker", "version"),
    "okube": (str(LAYOUT.command), "--version"),
}


class Source(Protocol):
    """What is asked of the managers; ``OkubeClient`` is one."""

    def status(self) -> Json:
        """The cluster at a glance."""

    def nodes(self) -> list[Json]:
        """All nodes."""

    def services(self) -> list[Json]:
        """All services."""

    def tasks(self) -> list[Json]:
        """All tasks that have not ended."""

    def events(self) -> list[Json]:
        """What happened."""


class SupportFile(msgspec.Struct, frozen=True):
    """A file of the bundle: its name, and its text."""

    name: str
    text: str


async def gather(
    config: ClusterConfig,
    machines: Sequence[Machine],
    remotes: Mapping[str, Remote],
    source: Source,
    *,
    lines: int,
    unreached: Mapping[str, str],
) -> list[SupportFile]:
    """All of it. What cannot be had is told in the place of it: a bundle is wanted most when much is broken.

    Args:
        config: cluster.yaml.
        machines: all machines of the cluster.
        remotes: the connections to those that answer, by host.
        source: the managers.
        lines: how many of each log.
        unreached: why there is no connection to the others.
    """
    of_machines = await asyncio.gather(
        *(_of_machine(machine, remotes[machine.host], lines) for machine in machines if machine.host in remotes)
    )
    of_cluster = await asyncio.to_thread(lambda: list(_of_cluster(source)))
    own = [] if config.file is None else [SupportFile("cluster.yaml", _read(config.file))]
    silent = [SupportFile(f"machines/{host}/unreached.txt", why) for host, why in unreached.items()]
    return [*own, *of_cluster, *silent, *(file for those in of_machines for file in those)]


def pack(files: Iterable[SupportFile], into: Path, *, folder: str) -> None:
    """Write the bundle, for its owner alone; every text is scrubbed on its way."""
    making = into.with_name(f".{into.name}.making")
    making.touch(mode=0o600)
    with tarfile.open(making, "w:gz") as archive:
        for file in files:
            data = scrub(file.text).encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{folder}/{file.name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(data))
    making.replace(into)


def _of_cluster(source: Source) -> Iterable[SupportFile]:
    asked: dict[str, Callable[[], Any]] = {
        "status": source.status,
        "nodes": source.nodes,
        "services": source.services,
        "tasks": source.tasks,
        "events": source.events,
    }
    for name, ask_for in asked.items():
        try:
            told = without_values(ask_for())
        except OkubeError as error:
            yield SupportFile(f"cluster/{name}.txt", f"not had: {error.detail}\n")
        else:
            yield SupportFile(f"cluster/{name}.json", _pretty(told))


async def _of_machine(machine: Machine, remote: Remote, lines: int) -> list[SupportFile]:
    entries = entries_of(machine)
    folder = f"machines/{machine.host}"
    try:
        facts = await ask(remote, "probe", _question(entries, lines), Facts, timeout_s=_GATHER_S)
    except OkubeError as error:
        return [SupportFile(f"{folder}/unreached.txt", f"{error.detail}\n")]
    told = {name: found.out for name, found in facts.commands.items() if name in _LOOKS}
    logs = {
        entry.name: facts.commands[key].out
        for entry in entries
        if (key := f"{facts.init}:{entry.unit}") in facts.commands
    }
    units = {Path(path).name: text for path, text in facts.contents.items() if text is not None}
    state = facts.commands.get(facts.init)
    bare = msgspec.structs.replace(facts, commands={}, contents={})
    return [
        SupportFile(f"{folder}/facts.json", _pretty(msgspec.to_builtins(bare))),
        *(SupportFile(f"{folder}/{name}.txt", text) for name, text in told.items()),
        *(SupportFile(f"{folder}/{name}", text) for name, text in units.items()),
        *(SupportFile(f"{folder}/{name}.log", text) for name, text in logs.items()),
        SupportFile(f"{folder}/units.txt", state.out if state else "nothing here starts services\n"),
    ]


def _question(entries: Sequence[Entry], lines: int) -> Question:
    inits = (Systemd(), LabInit())
    units = [entry.unit for entry in entries]
    logs = {f"{init.kind}:{unit}": init.logs(unit, lines) for init in inits for unit in units}
    return Question(
        folders=(str(LAYOUT.data), str(LAYOUT.software)),
        listed=(str(LAYOUT.versions), str(LAYOUT.data)),
        contents=(str(LAYOUT.cluster_file), *(str(LAYOUT.units / unit) for unit in units)),
        commands={**_LOOKS, **{init.kind: init.show(units) for init in inits}, **logs},
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"not had: {error}\n"


def _pretty(told: Any) -> str:
    return (msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n").decode()
