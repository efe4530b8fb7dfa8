"""Guards of the replicated state: what it checks although whoever planned it has looked."""

import pytest

from okube.state import quotas, services
from okube.state.room import Rooms

__all__ = [
    "named_resources_are_endless",
    "nodes_take_whatever_was_planned",
    "quotas_forget_what_is_in_use",
    "quotas_let_everything_in",
]


def nodes_take_whatever_was_planned(patch: pytest.MonkeyPatch) -> None:
    """A task is placed on a node that has no room for it any more."""
    patch.setattr(Rooms, "take", lambda *_: True)


def named_resources_are_endless(patch: pytest.MonkeyPatch) -> None:
    """A node that offers no GPU, or has given all of them out, gets a task that asks for one."""
    patch.setattr(Rooms, "_take_named", lambda *_: True)


def quotas_let_everything_in(patch: pytest.MonkeyPatch) -> None:
    """An app asks for more than its quota, and gets it."""
    patch.setattr(services, "check_quotas", lambda *_: None)


def quotas_forget_what_is_in_use(patch: pytest.MonkeyPatch) -> None:
    """Each service of an app may ask for the whole quota."""
    patch.setattr(quotas, "used_of", lambda *_: {})
