"""What one service asks of the network to another: ``depends_on`` of a service file."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from okube.model.errors import FieldError
from okube.model.names import MAX_NAME, NAME_PATTERN, name_error
from okube.model.quantities import parse_bandwidth, parse_seconds

__all__ = ["Bandwidth", "Condition", "Dependencies", "Dependency", "dependency_problems"]

MAX_DEPENDENCIES = 64


def _latency(value: object) -> float:
    seconds = parse_seconds(value)
    if seconds == 0:
        raise ValueError("0 is no round trip that a network could keep: write 500ms, or 0.5ms")
    return seconds


def _schema(**extra: Any) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema=extra)


Bandwidth = Annotated[int, msgspec.Meta(extra={"parse": parse_bandwidth}, extra_json_schema={"minimum": 0})]
"""Bits a second."""
Condition = Literal["placed", "started", "ready"]


class Dependency(msgspec.Struct, frozen=True):
    """A service that this one calls.

    ``max_latency`` is the longest round trip in seconds to its nearest task (None: any); ``min_bandwidth`` is the least
    that the way there must offer, and ``traffic`` what is expected to flow on it, both in bit/s (0: any, unknown).
    ``condition`` is what the first task of this service waits for: that a task of the other one has a node, runs, or is
    ready; of a job, ``ready`` means that it has completed.
    """

    service: Annotated[
        str,
        msgspec.Meta(extra={"check": name_error}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
    ]
    max_latency: (
        Annotated[float, msgspec.Meta(extra={"parse": _latency}, extra_json_schema={"exclusiveMinimum": 0})] | None
    ) = None
    min_bandwidth: Bandwidth = 0
    traffic: Bandwidth = 0
    condition: Condition = "placed"

    @classmethod
    def parse_text(cls, text: str) -> "Dependency":
        """``db`` alone: a dependency without limits; raises ValueError."""
        problem = name_error(text)
        if problem:
            raise ValueError(problem)
        return cls(text)


Dependencies = tuple[Dependency, ...] | msgspec.UnsetType


def dependency_problems(
    own: str, dependencies: Iterable[Dependency], path: str = "depends_on", app: str | None = None
) -> Iterator[FieldError]:
    """What is wrong with a service's dependencies as a whole: too many, one twice, or on itself.

    In an app the short name of a service and the whole one are the same: ``db`` and ``shop-db``.
    """
    seen: dict[str, str] = {}
    for number, each in enumerate(dependencies):
        if number == MAX_DEPENDENCIES:
            yield FieldError(
                path, f"names more than {MAX_DEPENDENCIES} services, the most that a service may depend on"
            )
            return
        whole = each.service if app is None or each.service.startswith(f"{app}-") else f"{app}-{each.service}"
        if own in (each.service, whole):
            yield FieldError(f"{path}[{number}].service", f"{own} cannot depend on itself")
        elif seen.get(whole) == each.service:
            yield FieldError(f"{path}[{number}].service", f"{each.service} is named twice: join the two entries")
        elif whole in seen:
            names = " and ".join(sorted((each.service, seen[whole]), key=len))
            message = f"{names} are the same service in app {app}: join the two entries"
            yield FieldError(f"{path}[{number}].service", message)
        seen.setdefault(whole, each.service)
