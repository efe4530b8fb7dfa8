"""A rack in memory: machines that have units and releases, and managers that see whether what they run is any good."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from okube.config import ClusterConfig
from okube.install.bundle import write_bundle
from okube.install.facts import Facts, Output
from okube.install.installed import entries_of
from okube.install.inventory import Machine, machines_of
from okube.install.layout import LAYOUT
from okube.install.remote import MachineUnreachable, Remote, Result
from okube.install.units import installed_process, program_in, unit_text

__all__ = ["Host", "Rackful", "a_bundle_of"]


class Host(Remote):
    """One machine. A release that is ``broken`` does not start, one that is ``deaf`` starts and does not serve."""

    def __init__(self, machine: Machine, rack: "Rackful") -> None:
        self.machine = machine
        self.rack = rack
        self.files: dict[str, bytes] = {}
        self.running: dict[str, str] = {}
        self.releases: set[str] = set()
        self.current = ""

    async def run(self, words: Sequence[str], stdin: bytes = b"", *, timeout_s: float = 60) -> Result:
        """What a machine would do."""
        await asyncio.sleep(0)
        self.rack.spend(self)
        if words[0] == "flock":
            return self._unpack()
        if words[:4] == ("python3", "-I", "-B", "-"):
            return self._probe()
        if words[0] == "systemctl":
            return self._systemctl([word for word in words[1:] if not word.startswith("-")])
        if words[0] == "journalctl":
            return Result(0, b"a line of its log\n")
        if words[0] == "sh" and "readlink" in words[2]:
            self.current = words[2].split(" = ")[1].split()[0]
        return Result(0)

    async def put(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """A file is whole or not there."""
        self.rack.spend(self)
        self.files[path] = data

    async def close(self) -> None:
        """Nothing to end."""

    def release_of(self, name: str) -> str | None:
        """What a process runs now."""
        return LAYOUT.release_of(self.running.get(name, ""))

    def _unpack(self) -> Result:
        if self.rack.full == self.machine.host:
            return Result(1, b'{"ok": false, "error": "/opt/okube: No space left on device; nothing was changed"}\n')
        self.releases.add(self.rack.release)
        return Result(0, b'{"ok": true, "release": "%s", "changed": true}\n' % self.rack.release.encode())

    def _probe(self) -> Result:
        units = [entry.unit for entry in entries_of(self.machine)]
        running = [
            f"{program.replace('bin/okube', 'bin/python')} -I {program} {entry.role} --name {entry.name} --config x"
            for entry in entries_of(self.machine)
            if (program := self.running.get(entry.name))
        ]
        facts = Facts(
            init="systemd",
            entries={str(LAYOUT.versions): tuple(sorted(self.releases))},
            contents={path: data.decode("utf-8", "replace") for path, data in self.files.items()},
            commands={"systemd": Output(0, self._shown(units)), "running": Output(0, "\n".join(running))},
        )
        return Result(0, b"okube-answer:" + msgspec.json.encode(facts) + b"\n")

    def _shown(self, units: list[str]) -> str:
        names = {entry.unit: entry.name for entry in entries_of(self.machine)}
        active = {unit: "active" if names[unit] in self.running else "inactive" for unit in units}
        return "\n\n".join(f"Id={unit}\nActiveState={active[unit]}\nUnitFileState=enabled" for unit in units)

    def _systemctl(self, words: list[str]) -> Result:
        verb, *units = words
        for entry in entries_of(self.machine):
            if verb == "restart" and entry.unit in units:
                program = program_in(self.files[str(LAYOUT.units / entry.unit)].decode()) or ""
                self.rack.order.append(entry.name)
                self.running.pop(entry.name, None)
                release = LAYOUT.release_of(program)
                if release in self.rack.broken.get(entry.name, ()):
                    return Result(1, b"", b"Job failed.")
                self.running[entry.name] = program
                self.rack.restarted(entry.name)
        return Result(0)


class Rackful:
    """All machines of a cluster.yaml, each with ``release`` on it and running, and the managers' view of them.

    ``dies_after`` commands the connection to ``dying`` is lost, for good.
    """

    def __init__(self, config: ClusterConfig, release: str) -> None:
        self.config = config
        self.release = release
        self.machines = machines_of(config)
        self.hosts = {machine.host: Host(machine, self) for machine in self.machines}
        self.leader = config.managers[0].name
        self.broken: dict[str, tuple[str, ...]] = {}
        self.deaf: dict[str, tuple[str, ...]] = {}
        self.full = ""
        self.order: list[str] = []
        self.left_to_spend: int | None = None
        for host in self.hosts.values():
            host.releases.add(release)
            for entry in entries_of(host.machine):
                process = installed_process(config, entry.role, entry.name, release)
                host.files[str(LAYOUT.units / entry.unit)] = unit_text(process).encode()
                host.running[entry.name] = process.program

    @property
    def remotes(self) -> dict[str, Remote]:
        """The connections."""
        return dict(self.hosts)

    def spend(self, host: Host) -> None:
        """One more thing done over SSH; the installing machine dies when all is spent."""
        if self.left_to_spend is not None:
            self.left_to_spend -= 1
            if self.left_to_spend < 0:
                raise MachineUnreachable(f"{host.machine.host}: the connection was lost in the middle")

    def restarted(self, name: str) -> None:
        """A leader that is restarted hands over."""
        if name == self.leader:
            self.leader = next(m.name for m in self.config.managers if m.name != name)

    def runs(self) -> dict[str, str | None]:
        """Which process runs which release."""
        return {
            entry.name: host.release_of(entry.name)
            for host in self.hosts.values()
            for entry in entries_of(host.machine)
        }

    def units(self) -> dict[str, str | None]:
        """Which release each unit names."""
        return {
            entry.name: LAYOUT.release_of(program_in(host.files[str(LAYOUT.units / entry.unit)].decode()) or "")
            for host in self.hosts.values()
            for entry in entries_of(host.machine)
        }

    def status(self) -> dict[str, Any]:
        """As the managers tell it."""
        managers = [self._manager(m.name) for m in self.config.managers]
        ready = sum(m["state"] == "ready" for m in managers)
        return {"quorum": ready > len(managers) // 2, "command_version": 3, "managers": managers}

    def nodes(self) -> list[dict[str, Any]]:
        """As the managers tell it."""
        return [{"name": w.name, "state": "ready" if self._serves(w.name) else "down"} for w in self.config.workers]

    def _manager(self, name: str) -> dict[str, Any]:
        if not self._serves(name):
            return {"name": name, "state": "down", "role": "unknown"}
        return {"name": name, "state": "ready", "role": "leader" if name == self.leader else "follower"}

    def _serves(self, name: str) -> bool:
        release = self.runs()[name]
        return release is not None and release not in self.deaf.get(name, ())


def a_bundle_of(folder: Path, version: str, said: str = "") -> Path:
    """A bundle that nobody unpacks."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"okube-{version}-py3-none-any.whl"
    wheel.write_text(f"{version}{said}")
    return write_bundle({"3.11": [wheel]}, folder)
