"""Guards of the replicated state: what it checks although whoever planned it has looked."""

import pytest

from okube.state.room import Rooms

__all__ = ["nodes_take_whatever_was_planned"]


def nodes_take_whatever_was_planned(patch: pytest.MonkeyPatch) -> None:
    """A task is placed on a node that has no room for it any more."""
    patch.setattr(Rooms, "take", lambda *_: True)
