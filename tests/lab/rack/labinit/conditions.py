"""Conditions of a unit: where one is not met, it is not started, and that is no failure."""

from pathlib import Path

from .unitfile import Unit

__all__ = ["unmet_condition"]


def unmet_condition(unit: Unit) -> str | None:
    """The first condition that is not met, as the file has it."""
    for value in unit.all("Unit", "ConditionPathExists"):
        path = value.lstrip("!|")
        if Path(path).exists() == value.startswith("!"):
            return f"ConditionPathExists={value}"
    return None
