"""What commands about the cluster itself mean to people, as events: who leads, managers, users, versions."""

from collections.abc import Iterator

from okube.model import commands as c
from okube.model.event import Event, EventKind
from okube.model.quota import write_amount
from okube.model.scheduling import Overcommit, Scheduling
from okube.model.topology import DeclaredTopology, LevelTopology
from okube.state.tables import Tables

__all__ = ["of_cluster"]

_MANAGERS: dict[str, tuple[EventKind, str]] = {
    "added": ("manager-added", "may join, at {address}, and votes when it has caught up"),
    "removed": ("manager-removed", "is no manager any more; it was at {address}"),
    "readdressed": ("manager-readdressed", "is reached at {address} now; it was at {before}"),
}
_USERS: dict[str, EventKind] = {"create": "user-created", "change": "user-changed", "rotate": "user-rotated"}


def of_cluster(tables: Tables, command: c.Command) -> Iterator[Event]:
    """The events of a command that was applied, without their times; none of one that is about something else."""
    if isinstance(command, c.SeedCluster) and command.leader:
        message = f"{command.leader} leads, in epoch {tables.epoch}"
        yield Event(id="", kind="leader-elected", subject_kind="manager", subject=command.leader, message=message)
    elif isinstance(command, c.EnableVersion) and command.version == tables.settings.command_version:
        message = f"command version {command.version}: all managers know it"
        yield Event(id="", kind="version-enabled", subject_kind="cluster", message=message)
    elif isinstance(command, c.PutScheduling):
        weights = ", ".join(f"{name} {weight:g}" for name, weight in sorted(command.scheduling.weights.items()))
        message = f"nodes are chosen by {command.scheduling.policy}{f' with {weights}' if weights else ''}"
        if command.scheduling.overcommit != Overcommit():
            most = command.scheduling.overcommit
            message += f"; promised are {most.cpus:g} of the cores, {most.memory:g} of memory, {most.disk:g} of disk"
        if command.scheduling.order != Scheduling().order:
            message += f"; services that depend on each other are placed in the order {command.scheduling.order}"
        yield Event(id="", kind="scheduling-changed", subject_kind="cluster", message=message, by=command.by)
    elif isinstance(command, c.PutTopology):
        message = f"what is declared of the network: {_declared(command.topology)}"
        yield Event(id="", kind="topology-changed", subject_kind="cluster", message=message, by=command.by)
    elif isinstance(command, c.TellOfManager) and command.what in _MANAGERS:
        kind, text = _MANAGERS[command.what]
        message = text.format(address=command.address, before=command.before)
        yield Event(id="", kind=kind, subject_kind="manager", subject=command.name, message=message, by=command.by)
    elif isinstance(command, c.PutUser | c.RemoveUser):
        yield _of_user(tables, command)
    elif isinstance(command, c.PutQuota | c.RemoveQuota):
        yield _of_quota(command)


def _declared(topology: DeclaredTopology) -> str:
    """How much is said of each level: ``zones (3 pairs)``."""
    said = [(name, getattr(topology, name)) for name in ("regions", "zones", "racks")]
    words = [f"{name} ({len(level.pairs)} pairs)" for name, level in said if level != LevelTopology()]
    return ", ".join(words) or "nothing any more"


def _of_quota(command: c.PutQuota | c.RemoveQuota) -> Event:
    kind: EventKind = "quota-removed"
    message = f"{command.kind} {command.name} may ask for as much as there is"
    if isinstance(command, c.PutQuota):
        kind = "quota-changed"
        limits = (f"{name} {write_amount(name, most)}" for name, most in sorted(command.limits.items()))
        message = f"{command.kind} {command.name} may ask for {', '.join(limits)}"
    return Event(id="", kind=kind, subject_kind="cluster", message=message, by=command.by)


def _of_user(tables: Tables, command: c.PutUser | c.RemoveUser) -> Event:
    kind: EventKind = "user-removed"
    message = ""
    if isinstance(command, c.PutUser):
        kind = _USERS.get(command.how, "user-changed")
        user = tables.users.get(command.name)
        if user is not None and kind != "user-rotated":
            message = f"{user.role} of {', '.join(user.apps) or 'the cluster'}"
    return Event(id="", kind=kind, subject_kind="user", subject=command.name, message=message, by=command.by)
