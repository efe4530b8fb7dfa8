"""Guards of what is foreseen: it touches nothing, and moves are made no faster than updates."""

from collections.abc import Generator

import numpy as np
import pytest

from okube.manager import planning, rollout
from okube.scheduler import calls, moves
from okube.state import Tables, moving

__all__ = [
    "balance_breaks_limits",
    "marks_outlive_their_reason",
    "moves_go_to_nodes_that_are_gone",
    "plans_are_carried_out",
]


def plans_are_carried_out(patch: pytest.MonkeyPatch) -> None:
    """A plan is tried on the cluster's own tables."""

    def not_forking(tables: Tables) -> Generator[None, None, Tables]:
        yield
        return tables

    patch.setattr(planning, "forking", not_forking)


def balance_breaks_limits(patch: pytest.MonkeyPatch) -> None:
    """Tasks are moved out of reach of what they depend on."""
    patch.setattr(moves.Board, "_network_of", lambda *_: (0, 0.0))
    patch.setattr(calls.NetworkFilter, "room", lambda _self, ledger, _demand: np.full(len(ledger.nodes), 1000))


def moves_go_to_nodes_that_are_gone(patch: pytest.MonkeyPatch) -> None:
    """A task that runs is marked for a node that is down, or for its own."""
    patch.setattr(moving, "_may", lambda *_: True)


def marks_outlive_their_reason(patch: pytest.MonkeyPatch) -> None:
    """A task moves although the node that it was to go to takes none any more."""
    patch.setattr(rollout, "is_moving", lambda _tables, task, _now_ms: bool(task.moving))
