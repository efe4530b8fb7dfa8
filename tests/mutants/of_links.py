"""Guards of bandwidth that is reserved, and of start and stop order."""

import numpy as np
import pytest

from okube.manager import reconcile
from okube.scheduler.reserved import Reserved
from okube.state import readiness, services

__all__ = [
    "dependencies_stop_with_their_dependents",
    "links_carry_anything",
    "new_dependencies_draw_anything",
    "nobody_waits_to_start",
]


def links_carry_anything(patch: pytest.MonkeyPatch) -> None:
    """A task goes where less bandwidth is free on the way than it asks for."""
    patch.setattr(Reserved, "allows", lambda self, _: np.ones(self.links.nodes, dtype=np.bool_))


def new_dependencies_draw_anything(patch: pytest.MonkeyPatch) -> None:
    """A new task of a dependency draws more towards its node than the links there carry."""
    patch.setattr(Reserved, "_may_draw", lambda self, _: np.ones(self.links.nodes, dtype=np.bool_))


def nobody_waits_to_start(patch: pytest.MonkeyPatch) -> None:
    """A service starts before those that it waits for are ready."""
    patch.setattr(readiness, "awaited", lambda *_: [])


def dependencies_stop_with_their_dependents(patch: pytest.MonkeyPatch) -> None:
    """A database that is removed with its app stops under those that still use it."""
    for module in (reconcile, services):
        patch.setattr(module, "stop_later", lambda *_: set())
