"""Where a service would have its tasks, and beside which others: what constraints do not say."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from okube.model.constraints import parse_constraint
from okube.model.errors import FieldError
from okube.model.names import MAX_NAME, NAME_PATTERN, name_error

__all__ = [
    "MOST_PER_NODE",
    "MOST_PRIORITY",
    "Companies",
    "Company",
    "MaxPerNode",
    "Preference",
    "Preferences",
    "Priority",
    "company_problems",
]

MOST_PER_NODE = 100_000
MOST_PRIORITY = 1000


def _check_name(text: str) -> str | None:
    return name_error(text)


def _check_constraint(text: str) -> str | None:
    try:
        parse_constraint(text)
    except ValueError as error:
        return str(error)
    return None


def _check_weight(weight: int) -> str | None:
    return None if 1 <= weight <= 100 else f"{weight} is out of range: 1 (barely) to 100 (before anything else)"


def _check_priority(priority: int) -> str | None:
    return None if -MOST_PRIORITY <= priority <= MOST_PRIORITY else f"{priority} is out of range: -1000 to 1000"


def _check_most(count: int) -> str | None:
    return None if 1 <= count <= MOST_PER_NODE else f"{count} is out of range: 1 to {MOST_PER_NODE}"


Weight = Annotated[int, msgspec.Meta(extra={"check": _check_weight}, extra_json_schema={"minimum": 1, "maximum": 100})]


class Preference(msgspec.Struct, frozen=True):
    """A constraint that nodes should rather meet; as text, the constraint alone."""

    constraint: Annotated[str, msgspec.Meta(extra={"check": _check_constraint})]
    weight: Weight = 50

    @classmethod
    def parse_text(cls, text: str) -> "Preference":
        """``node.labels.disk == ssd``; raises ValueError."""
        parse_constraint(text)
        return cls(text)


class Company(msgspec.Struct, frozen=True):
    """Another service, or the service itself, that tasks are kept near, or apart from; as text, its name.

    ``within`` is what counts as near: one node, or one zone. Without a ``weight`` it must be so.
    """

    service: Annotated[
        str,
        msgspec.Meta(extra={"check": _check_name}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
    ]
    within: Literal["node", "zone"] = "node"
    weight: Weight | None = None

    @classmethod
    def parse_text(cls, text: str) -> "Company":
        """``db``; raises ValueError."""
        message = name_error(text)
        if message:
            raise ValueError(message)
        return cls(text)

    @property
    def is_hard(self) -> bool:
        """Whether it must be so."""
        return self.weight is None


Preferences = tuple[Preference, ...] | msgspec.UnsetType
Companies = tuple[Company, ...] | msgspec.UnsetType
MaxPerNode = (
    Annotated[
        int, msgspec.Meta(extra={"check": _check_most}, extra_json_schema={"minimum": 1, "maximum": MOST_PER_NODE})
    ]
    | msgspec.UnsetType
)


Priority = (
    Annotated[
        int,
        msgspec.Meta(
            extra={"check": _check_priority}, extra_json_schema={"minimum": -MOST_PRIORITY, "maximum": MOST_PRIORITY}
        ),
    ]
    | msgspec.UnsetType
)


def company_problems(near: tuple[Company, ...], apart: tuple[Company, ...]) -> Iterator[FieldError]:
    """Company given twice, and what no node could meet: a service to be near and apart from in one place."""
    for key, given in (("affinity", near), ("anti_affinity", apart)):
        seen: set[tuple[str, str]] = set()
        for n, each in enumerate(given):
            if (each.service, each.within) in seen:
                yield FieldError(f"{key}[{n}]", f"{each.service} is given twice within a {each.within}")
            seen.add((each.service, each.within))
    must = {(each.service, each.within) for each in near if each.is_hard}
    for n, each in enumerate(apart):
        if each.is_hard and ((each.service, each.within) in must or (each.service, "node") in must):
            yield FieldError(
                f"anti_affinity[{n}]",
                f"tasks cannot be near {each.service} and apart from it within one {each.within}: take one out, or "
                "give one a weight",
            )
