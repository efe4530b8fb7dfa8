"""What a machine of the cluster says of one process, and what is done there to its unit and its folder."""

from typing import Literal

import msgspec

from okube.install.facts import Facts
from okube.install.init import init_of
from okube.install.installed import Entry, installed_of, started_file
from okube.install.layout import LAYOUT, Layout
from okube.install.nodes import OnMachine
from okube.install.onsite import ask
from okube.install.remote import CommandFailed, Remote
from okube.security.jointokens import JoinToken

__all__ = ["OnSite"]

_STOP_S = 60.0
_JOIN_S = 60.0
_ENDED = frozenset({"inactive", "failed"})


class _Asked(msgspec.Struct, frozen=True):
    do: Literal["look", "aside", "remove"]
    data_dir: str
    names: tuple[str, ...]


class _Folder(msgspec.Struct, frozen=True, kw_only=True):
    cluster_id: str = ""
    instance: str = ""
    role: str = ""
    drawn: str = ""
    damaged: bool = False
    runs: bool = False


class _Answer(msgspec.Struct, frozen=True):
    folders: dict[str, _Folder]
    problem: str = ""


class OnSite(msgspec.Struct, frozen=True):
    """One process on one machine, with what its probe has told last."""

    remote: Remote
    facts: Facts
    entry: Entry
    layout: Layout = LAYOUT

    async def look(self, *, laid_out: bool) -> OnMachine:
        """How things stand there; ``laid_out`` is known to who plans installations.

        Raises:
            CommandFailed: what is there is in the way.
            MachineUnreachable: it does not answer.
        """
        folder = await self._folder("look")
        there = installed_of(self.facts, self.entry, self.layout)
        return OnMachine(
            laid_out=laid_out,
            cluster_id=folder.cluster_id,
            instance=folder.instance,
            drawn=folder.drawn,
            damaged=folder.damaged,
            unit=self.facts.contents.get(str(self.layout.units / self.entry.unit)) is not None,
            enabled=there.unit.is_enabled,
            runs=folder.runs or there.unit.active not in _ENDED,
            serves=there.unit.runs,
        )

    async def set_aside(self) -> None:
        """Give its folder a name that nothing starts from."""
        await self._folder("aside")

    async def stop(self) -> None:
        """End it, and have it started no more at boot."""
        init, units = init_of(self.facts.init), [self.entry.unit]
        (await self.remote.run(init.disable(units))).require(f"disabling {self.entry.unit}")
        (await self.remote.run(init.stop(units), timeout_s=_STOP_S)).require(f"ending {self.entry.unit}")
        await self.remote.run(init.forgive(units))

    async def clear(self) -> None:
        """Remove its unit and its folder."""
        unit, started = str(self.layout.units / self.entry.unit), started_file(self.entry.name, self.layout)
        (await self.remote.run(("rm", "-f", "--", unit, started))).require(f"removing {unit}")
        (await self.remote.run(init_of(self.facts.init).reload())).require("having the units read")
        await self._folder("remove")

    async def join(self, token: JoinToken, managers: str, *, beside: bool) -> None:
        """Have it join with a token, which goes over stdin, so that nobody else on the machine sees it.

        Raises:
            CommandFailed: it was not let in, and why.
        """
        words = (
            str(self.layout.command),
            *("join", "-", "--name", self.entry.name, "--config", str(self.layout.cluster_file)),
            *("--manager", managers, "--timeout", f"{_JOIN_S:g}s", "--no-start"),
            *(("--beside",) if beside else ()),
        )
        result = await self.remote.run(words, f"{token}\n".encode(), timeout_s=2 * _JOIN_S)
        result.require(f"'okube join' of {self.entry.name}")

    async def _folder(self, do: Literal["look", "aside", "remove"]) -> _Folder:
        name = self.entry.name
        answer = await ask(self.remote, "processes", _Asked(do, str(self.layout.data), (name,)), _Answer)
        if answer.problem:
            raise CommandFailed(answer.problem)
        folder = answer.folders[name]
        if folder.role not in ("", self.entry.role):
            raise CommandFailed(
                f"{self.layout.data / name} is that of a {folder.role}: give the {self.entry.role} another name"
            )
        return folder
