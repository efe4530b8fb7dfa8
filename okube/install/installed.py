"""What of Okube is on a machine: what to ask for, and what the answer says."""

import msgspec

from okube.config import ClusterConfig
from okube.install.facts import Facts, Question
from okube.install.init import LabInit, Systemd, UnitState, read_states
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, SYSTEM_USER, Layout
from okube.install.units import Role, program_in, unit_name
from okube.model.errors import BadFile
from okube.security.seed import ProcessIdentity, Seed

__all__ = ["Entry", "Installed", "entries_of", "installed_of", "question_of", "seed_in", "seed_on", "started_file"]


class Entry(msgspec.Struct, frozen=True):
    """A process of a machine."""

    role: Role
    name: str

    @property
    def unit(self) -> str:
        """Its unit."""
        return unit_name(self.role, self.name)


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What is there of one process.

    Args:
        identity: who its folder says it is; None where there is none.
        unit: how its unit is.
        release: which release its unit starts; None where there is no unit, or one that is not ours.
        started: what it was started with last (see ``okube.install.plan``); empty where that is not known.
        was_removed: it was a manager, and the cluster removed it.
    """

    identity: ProcessIdentity | None = None
    unit: UnitState = UnitState("inactive")
    release: str | None = None
    started: str = ""
    was_removed: bool = False


def entries_of(machine: Machine) -> tuple[Entry, ...]:
    """The processes of a machine, managers first."""
    return (
        *(Entry("manager", manager.name) for manager in machine.managers),
        *(Entry("worker", worker.name) for worker in machine.workers),
    )


def started_file(name: str, layout: Layout = LAYOUT) -> str:
    """Where a machine remembers what a process was started with."""
    return str(layout.settings / "started" / name)


def question_of(machine: Machine, config: ClusterConfig, *, syncs: int = 15, layout: Layout = LAYOUT) -> Question:
    """What is asked of a machine before an installation, and of one that was installed."""
    entries = entries_of(machine)
    units = [str(layout.units / entry.unit) for entry in entries]
    identities = [str(layout.data / entry.name / "identity.json") for entry in entries]
    removed = [str(layout.data / manager.name / "removed") for manager in machine.managers]
    started = [started_file(entry.name, layout) for entry in entries]
    folders = (layout.settings, layout.settings / "started", layout.keys, layout.data)
    looked_at = (layout.cluster_file, *folders, layout.current, layout.command)
    names = [entry.unit for entry in entries]
    return Question(
        ports=(
            *((m.host, port) for m in machine.managers for port in (m.port, m.raft_port)),
            *((w.host, w.port) for w in machine.workers),
        ),
        folders=(str(layout.data), str(layout.software)),
        syncs=syncs if machine.managers else 0,
        engine=config.docker.host if machine.workers and config.runtime != "process" else "",
        users=(SYSTEM_USER,),
        files=(
            *map(str, looked_at),
            str(layout.data / "ca" / "ca.crt"),
            str(layout.keys / "ca.key"),
            *units,
            *removed,
        ),
        listed=(str(layout.versions),),
        contents=(str(layout.data / "cluster.json"), *identities, *units, *started),
        commands={each.kind: each.show(names) for each in (Systemd(), LabInit())},
    )


def installed_of(facts: Facts, entry: Entry, layout: Layout = LAYOUT) -> Installed:
    """What is there of a process, of facts that ``question_of`` asked for.

    Raises:
        BadFile: its folder's identity is damaged.
    """
    told = facts.commands.get(facts.init)
    states = read_states(told.out) if told is not None and told.status == 0 else {}
    unit = facts.contents.get(str(layout.units / entry.unit))
    program = None if unit is None else program_in(unit)
    return Installed(
        identity=_identity(facts.contents.get(str(layout.data / entry.name / "identity.json")), entry),
        unit=states.get(entry.unit, UnitState("inactive")),
        release=None if program is None else layout.release_of(program),
        started=(facts.contents.get(started_file(entry.name, layout)) or "").strip(),
        was_removed=facts.files.get(str(layout.data / entry.name / "removed")) is not None,
    )


def seed_on(facts: Facts, layout: Layout = LAYOUT) -> Seed | None:
    """The cluster that a machine knows; None where it knows none, or its file is damaged."""
    text = facts.contents.get(str(layout.data / "cluster.json"))
    return None if text is None else seed_in(text)


def seed_in(text: str | bytes) -> Seed | None:
    """The cluster that a ``cluster.json`` tells of; None where it is damaged."""
    try:
        return msgspec.json.decode(text, type=Seed)
    except msgspec.MsgspecError:
        return None


def _identity(text: str | None, entry: Entry) -> ProcessIdentity | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=ProcessIdentity)
    except msgspec.MsgspecError as error:
        raise BadFile(f"identity.json of {entry.name} is damaged on its machine: {error}. Restore it.") from error
