"""Machines that are thought of: how many, and of which shape, as people write it."""

import re

import msgspec

from okube.model.names import name_error

__all__ = ["MOST_MACHINES", "Machines"]

MOST_MACHINES = 5000
_ADDED = re.compile(r"\s*(?:(?P<count>-?[0-9]+)\s*[x×*]\s*)?(?P<shape>[^@\s]+)(?:@(?P<zone>\S+))?\s*")
_SHAPE = re.compile(r"(?P<cores>[0-9]+(?:\.[0-9]+)?)c(?P<memory>[0-9]+)g(?:(?P<disk>[0-9]+)g)?", re.IGNORECASE)
_MOST_CORES = 4096
_MOST_GIB = 1 << 20
_USUAL_DISK_GIB = 100
_EXAMPLE = "write it such as 3x8c16g (3 machines with 8 cores and 16 GiB), 2x8c16g@rack-b, or 3xw1 (like node w1)"


class Machines(msgspec.Struct, frozen=True):
    """So many machines alike: as the node ``like`` is, or with so many cores and bytes; ``zone`` where it is said."""

    count: int
    like: str = ""
    cores: float = 0.0
    memory: int = 0
    disk: int = 0
    zone: str = ""

    @classmethod
    def parse(cls, text: str) -> "Machines":
        """``3x8c16g``, ``8c16g500g@rack-b`` (disk, zone), ``2×w1``; raises ValueError with what would be right."""
        found = _ADDED.fullmatch(text) if len(text) <= 200 else None
        if found is None:
            raise ValueError(f"{text[:40]!r} is no number of machines: {_EXAMPLE}")
        count = int((found["count"] or "1")[:12])
        if not 1 <= count <= MOST_MACHINES:
            raise ValueError(f"{text!r}: {count} machines are out of range: 1 to {MOST_MACHINES}")
        zone = found["zone"] or ""
        shape = _SHAPE.fullmatch(found["shape"])
        if shape is None:
            if name_error(found["shape"]):
                raise ValueError(f"{text!r} is neither a shape nor the name of a node: {_EXAMPLE}")
            return cls(count, like=found["shape"], zone=zone)
        cores, memory, disk = float(shape["cores"]), int(shape["memory"]), int(shape["disk"] or _USUAL_DISK_GIB)
        if not 0 < cores <= _MOST_CORES or not 0 < memory <= _MOST_GIB or not 0 < disk <= _MOST_GIB:
            raise ValueError(f"{text!r}: no machine has that: 1 to {_MOST_CORES} cores, 1 to {_MOST_GIB} GiB")
        return cls(count, cores=cores, memory=memory << 30, disk=disk << 30, zone=zone)
