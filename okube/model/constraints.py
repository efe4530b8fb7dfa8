"""Constraints: what an attribute of a node must be, or must not be."""

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Constraint", "Operator", "parse_constraint"]

_ATTRIBUTE = re.compile(r"node\.(name|zone|role|runtime|labels\.[A-Za-z0-9._/-]+)")
_ALLOWED = "node.name, node.zone, node.role, node.runtime and node.labels.NAME"
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
