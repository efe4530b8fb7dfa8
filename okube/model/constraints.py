"""Constraints: what an attribute of a node must be, or must not be."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ATTRIBUTES_SINCE", "Constraint", "Operator", "contradictions", "parse_constraint"]

_ATTRIBUTE = re.compile(r"node\.(name|region|zone|rack|role|runtime|platform|labels\.[A-Za-z0-9._/-]+)")
_ALLOWED = "node.name, node.region, node.zone, node.rack, node.role, node.runtime, node.platform and node.labels.NAME"
ATTRIBUTES_SINCE = {"node.region": 6, "node.rack": 6, "node.platform": 6}
"""Attributes that came later, with the command versions of the first Okube that knows them."""
_COMPARISON = re.compile(r"([^=!]*)(==|!=)(.*)", re.DOTALL)


class Operator(StrEnum):
    """How an attribute is compared with the value."""

    IS = "=="
    IS_NOT = "!="


@dataclass(frozen=True, slots=True)
class Constraint:
    """One comparison, such as ``node.labels.disk == ssd``; case counts."""

    attribute: str
    operator: Operator
    value: str

    def allows(self, value: str) -> bool:
        """Whether a node whose attribute has this value (empty: it has none) may be used."""
        return (value == self.value) is (self.operator is Operator.IS)

    @property
    def short_attribute(self) -> str:
        """The attribute as its owner calls it: ``disk``, ``zone``."""
        return self.attribute.removeprefix("node.").removeprefix("labels.")

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {self.value}"


def parse_constraint(text: str) -> Constraint:
    """Reads a constraint.

    Raises ``ValueError`` with a sentence that says what is wrong and what would be right.
    """
    found = _COMPARISON.fullmatch(text)
    if found is None:
        raise ValueError(f"constraint {text!r} compares nothing: write it like node.labels.disk == ssd, with == or !=")
    attribute, operator, value = (part.strip() for part in found.groups())
    if not _ATTRIBUTE.fullmatch(attribute):
        raise ValueError(f"constraint {text!r} does not begin with an attribute of a node: allowed are {_ALLOWED}")
    if not value:
        raise ValueError(f"constraint {text!r} has no value after {operator}")
    if value.startswith("=") or "==" in value or "!=" in value:
        raise ValueError(f"constraint {text!r} has more than one operator: write one == or != in each constraint")
    if any(character in value for character in "\"'\n"):
        raise ValueError(f"constraint {text!r} has quotes or a line break in its value: write the bare value")
    return Constraint(attribute, Operator(operator), value)


def contradictions(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Constraints that no node could ever meet together: the place of the later one, and a sentence."""
    wanted: dict[str, str] = {}
    refused: set[tuple[str, str]] = set()
    for place, text in enumerate(texts):
        constraint = parse_constraint(text)
        attribute, value = constraint.attribute, constraint.value
        if constraint.operator is Operator.IS_NOT:
            refused.add((attribute, value))
        elif wanted.setdefault(attribute, value) != value:
            first = Constraint(attribute, Operator.IS, wanted[attribute])
            yield place, f"no node can meet both {first} and {constraint}: take one out"
            return
        if (attribute, wanted.get(attribute, "")) in refused:
            yield place, f"no node can be and not be {wanted[attribute]} in {attribute}: take one of the two out"
            return
