"""What tasks ask of nodes: cores, memory and disk, named countable things such as GPUs, and limits above what is asked.

What a task asks for is promised to it, and counts where tasks are placed. What it may use at most is its limit, which
its node's runtime keeps; the limit is what is asked for, unless ``limits`` says otherwise.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar

import msgspec

from okube.model.decode import hint
from okube.model.errors import FieldError
from okube.model.names import name_error
from okube.model.quantities import MAX_CPUS, format_bytes, parse_bytes

__all__ = [
    "LIMITS_KNOWN",
    "MAX_COUNT",
    "MAX_NAMES",
    "NO_COUNTS",
    "Bytes",
    "Count",
    "Counts",
    "Limits",
    "Resources",
    "counts_error",
    "may_be_named",
]

LIMITS_KNOWN = 6
"""The command version of the first Okube whose agents know a limit that is not what is asked for."""
MAX_COUNT = 1_000_000
"""So many of a named resource at most: of one node, and for one task."""
MAX_NAMES = 64
"""So many named resources at most: of one node, and for one task."""
NO_COUNTS: Mapping[str, int] = MappingProxyType({})

_LEAST_CPUS, _LEAST_MEMORY = 0.01, 6 << 20
_FIELDS = ("cpus", "memory", "disk", "limits", "named")
_USUAL = (*_FIELDS, "tasks", "services")
_TAKEN = frozenset({*_USUAL, "cores", "cpu", "mem", "ram", "storage", "bandwidth", "ports", "replicas", "swap"})
_ALIKE = 0.8


def may_be_named(name: str) -> bool:
    """Whether a resource may have this name: a DNS label that nobody would take for one of the usual resources."""
    return name_error(name) is None and name not in _TAKEN and not hint(name, _USUAL, alike=_ALIKE)


def counts_error(counts: Mapping[str, int]) -> str | None:
    """What is wrong with the names of named resources, as a sentence."""
    if len(counts) > MAX_NAMES:
        return f"{len(counts)} named resources are more than {MAX_NAMES}"
    wrong = next((name for name in counts if not may_be_named(name)), None)
    if wrong is None:
        return None
    return f"{wrong!r} cannot be the name of a resource: take letters a-z, digits and '-', and none like {_likes()}"


def _likes() -> str:
    return f"{', '.join(_FIELDS[:2])} or {_FIELDS[2]}"


def _check_cpus(cpus: float) -> str | None:
    return None if 0 <= cpus <= MAX_CPUS else f"{cpus} is out of range: 0 to {MAX_CPUS:.0f} cores"


def _check_count(count: int) -> str | None:
    if 1 <= count <= MAX_COUNT:
        return None
    return f"{count} is out of range: 1 to {MAX_COUNT}; for none leave the name out"


Bytes = Annotated[int, msgspec.Meta(extra={"parse": parse_bytes})]
Cpus = Annotated[
    float,
    msgspec.Meta(extra={"check": _check_cpus}, extra_json_schema={"minimum": 0, "maximum": MAX_CPUS}),
]
Count = Annotated[
    int, msgspec.Meta(extra={"check": _check_count}, extra_json_schema={"minimum": 1, "maximum": MAX_COUNT})
]
Counts = Annotated[dict[str, Count], msgspec.Meta(extra={"check": counts_error})]
"""How many of each named resource."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one task may use at most: cores, and bytes of memory.

    What is left out is as much as is promised; 0 is no limit.
    """

    cpus: Cpus | None = None
    memory: Bytes | None = None

    def problems(self) -> Iterator[FieldError]:
        """Amounts that no container can run in."""
        yield from _too_little(self.cpus or 0, self.memory or 0)


class Resources(msgspec.Struct, frozen=True):
    """What one task is promised: cores, bytes, and whole numbers of named resources; 0 is no promise.

    For cpus and memory it is the limit as well, unless ``limits`` says otherwise. A named resource is written beside
    the others (``gpu: 1``), or below ``named``.
    """

    rest: ClassVar[str] = "named"

    cpus: Cpus = 0.0
    memory: Bytes = 0
    disk: Bytes = 0
    limits: Limits | msgspec.UnsetType = msgspec.UNSET
    named: Counts | msgspec.UnsetType = msgspec.UNSET

    @staticmethod
    def takes(key: str) -> bool:
        """Whether a key that is no field is the name of a resource."""
        return may_be_named(key)

    @property
    def counts(self) -> Mapping[str, int]:
        """The named resources that it asks for."""
        return NO_COUNTS if self.named is msgspec.UNSET else self.named

    @property
    def most_cpus(self) -> float:
        """How many cores a task may use; 0: all there are."""
        limits = self.limits
        return self.cpus if limits is msgspec.UNSET or limits.cpus is None else limits.cpus

    @property
    def most_memory(self) -> int:
        """How many bytes of memory a task may use; 0: all there are."""
        limits = self.limits
        return self.memory if limits is msgspec.UNSET or limits.memory is None else limits.memory

    def problems(self) -> Iterator[FieldError]:
        """Amounts that no container can run in, and limits below what is promised."""
        yield from _too_little(self.cpus, self.memory)
        if 0 < self.most_cpus < self.cpus:
            yield FieldError("limits.cpus", f"{self.most_cpus:g} is less than the {self.cpus:g} that is promised")
        if 0 < self.most_memory < self.memory:
            limit, promised = format_bytes(self.most_memory), format_bytes(self.memory)
            yield FieldError("limits.memory", f"{limit} is less than the {promised} that is promised")


def _too_little(cpus: float, memory: int) -> Iterator[FieldError]:
    if 0 < cpus < _LEAST_CPUS:
        yield FieldError("cpus", f"{cpus} is too little to run in: at least 0.01")
    if 0 < memory < _LEAST_MEMORY:
        yield FieldError("memory", f"{memory} bytes is too little to run in: at least 6M (did you forget the unit?)")
