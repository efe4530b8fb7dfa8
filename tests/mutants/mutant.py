"""What a mutant is: a patch that switches a guard off, what the guard is for, and who should notice."""

import inspect
from collections.abc import Callable
from typing import Literal, NamedTuple

import pytest

__all__ = ["Mutant", "Sabotage"]

Sabotage = Callable[[pytest.MonkeyPatch], None]


class Mutant(NamedTuple):
    """``sabotage``: its docstring says what goes wrong. ``noticed_by``: a simulator, or a test by its pytest name.

    ``hazard``: what of the Raft engine's hazards it is about, by number or by name.
    """

    hazard: str
    sabotage: Sabotage
    noticed_by: Literal["raft", "whole"] | str

    @property
    def name(self) -> str:
        """The function's name."""
        return self.sabotage.__name__

    @property
    def title(self) -> str:
        """A sentence."""
        return inspect.getdoc(self.sabotage) or self.name
