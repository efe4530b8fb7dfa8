"""Which command version an Okube knows, and what each command needs: how managers of two versions run side by side.

The version counts up with each Okube that can put something new into the replicated log: a kind of command, or a
trailing field that changes what applying does. While some managers know less, the leader proposes only what all of them
know; what is enabled stands in the state (``Settings.command_version``) and only ever goes up.

Who adds something: raise ``COMMAND_VERSION`` (once for each Okube that is published) and name it here; a new value in a
closed set of words goes into a new field or kind. What is applied differently from some version on asks
``Settings.command_version`` whether that is enabled, never what this process knows.
"""

import functools
import typing
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import msgspec

from okube.model import commands as c
from okube.model.constraints import ATTRIBUTES_SINCE, parse_constraint
from okube.model.dependency import Dependency
from okube.model.resources import Resources
from okube.model.scheduling import Scheduling
from okube.model.spec import ServiceSpec

__all__ = ["COMMAND_VERSION", "FIELDS_SINCE", "KINDS_SINCE", "next_version", "version_of"]

COMMAND_VERSION = 6
"""What this Okube knows. 1 is all from before versions were told."""

KINDS_SINCE: dict[type, int] = {
    c.EnableVersion: 2,
    c.TellOfManager: 2,
    c.PutRing: 3,
    c.PutAuthorities: 3,
    c.TellOfCertificates: 3,
    c.PutUser: 3,
    c.RemoveUser: 3,
    c.PutSecret: 3,
    c.DeleteSecret: 3,
    c.Reseal: 3,
    c.ResetRing: 3,
    c.RenewMounts: 3,
    c.CreateJoinToken: 3,
    c.RevokeJoinToken: 3,
    c.UseJoinToken: 3,
    c.NoteManagers: 4,
    c.PutScheduling: 5,
    c.PutTopology: 5,
    c.PreemptTasks: 5,
    c.MoveTasks: 6,
    c.PutQuota: 6,
    c.RemoveQuota: 6,
}
"""Kinds of commands that came later, with their versions."""

FIELDS_SINCE: dict[type, dict[str, int]] = {
    ServiceSpec: {
        "secrets": 3,
        "configs": 3,
        "prefer": 5,
        "affinity": 5,
        "anti_affinity": 5,
        "max_per_node": 5,
        "depends_on": 5,
        "priority": 5,
    },
    Dependency: {"condition": 6},
    Scheduling: {"order": 6, "rebalance": 6},
    Resources: {"limits": 6, "named": 6},
    c.RegisterNode: {"machine_id": 3, "knows": 3, "region": 5, "rack": 5, "named": 6, "platform": 6},
    c.RemoveNode: {"bar": 3},
    c.PutServices: {"within": 3},
    c.DeleteServices: {"within": 3},
    c.ScaleServices: {"within": 3},
    c.RefreshServices: {"within": 3},
    c.StopTask: {"within": 3},
    c.UpdateNode: {"address": 3, "region": 5, "rack": 5, "named": 6},
    c.TellOfManager: {"before": 3},
    c.PlaceTasks: {"planned_in": 6},
}
"""Fields that came later than their struct (a command, or what it holds: a spec, a report), with their versions.

One that has its default needs nobody to know it.
"""


def version_of(command: Any) -> int:
    """The command version that every manager must know before this may stand in the log."""
    kind = type(command)
    needed = KINDS_SINCE.get(kind, 1)
    if isinstance(command, c.EnableVersion):
        return max(needed, command.version)  # who does not know that version stops here, and not at its first use
    parts = frozenset(FIELDS_SINCE)
    if not _may_hold(kind, parts):  # type: ignore[arg-type]  # a class is hashable
        return needed
    return max([needed, *(_version_of_fields(part) for part in _structs(command, parts))])


def next_version(enabled: int, known: Mapping[str, int | None]) -> int | None:
    """The version to enable, given what each member knows (None: not heard of); None where there is nothing to do."""
    told = [version for version in known.values() if version is not None]
    if len(told) < len(known) or not told or min(told) <= enabled:
        return None
    return min(told)


@functools.cache
def _may_hold(kind: Hashable, parts: frozenset[type]) -> bool:
    """Whether a value of this kind is one of these structs or may have one in it: most are not looked through."""
    if kind in parts:
        return True
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return any(_may_hold(hints[field], parts) for field in kind.__struct_fields__)
    return any(_may_hold(part, parts) for part in typing.get_args(kind) if part is not Ellipsis)


def _version_of_fields(part: msgspec.Struct) -> int:
    kind = type(part)
    later = FIELDS_SINCE.get(kind, {}).items()
    needed = max((since for field, since in later if getattr(part, field) != _default(kind, field)), default=1)
    return max(needed, _version_of_rules(part)) if isinstance(part, ServiceSpec) else needed


def _version_of_rules(spec: ServiceSpec) -> int:
    """What its constraints ask of nodes may have come later than constraints: each replica looks for the nodes."""
    texts = (*spec.constraints, *(wish.constraint for wish in spec.preferences))
    return max((ATTRIBUTES_SINCE.get(parse_constraint(text).attribute, 1) for text in texts), default=1)


def _structs(value: Any, parts: frozenset[type]) -> Iterator[msgspec.Struct]:
    """A struct and those in it that may be one of ``parts``; a tuple holds structs, or none."""
    if isinstance(value, msgspec.Struct):
        yield value
        for field in _fields_that_hold(type(value), parts):
            yield from _structs(getattr(value, field), parts)
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for each in value:
            yield from _structs(each, parts)


@functools.cache
def _fields_that_hold(kind: type[msgspec.Struct], parts: frozenset[type]) -> tuple[str, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(field for field in kind.__struct_fields__ if _may_hold(hints[field], parts))


@functools.cache
def _default(kind: type[msgspec.Struct], field: str) -> Any:
    """To be compared with, and not to be given away."""
    found = next(each for each in msgspec.structs.fields(kind) if each.name == field)
    return found.default if found.default_factory is msgspec.NODEFAULT else found.default_factory()
