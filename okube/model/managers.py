"""What is said about the managers of a cluster where they change: who joins, who leaves, who is to lead."""

import re
from typing import Annotated

import msgspec

from okube.model.names import MAX_NAME, NAME_PATTERN, RESERVED_NAMES, name_error

__all__ = [
    "ADDRESS_PATTERN",
    "Address",
    "ManagerAddresses",
    "ManagerName",
    "MemberView",
    "MembersView",
    "NewManager",
    "NextLeader",
]

_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
ADDRESS_PATTERN = rf"^(\[[0-9a-fA-F:.]{{2,45}}\]|[A-Za-z0-9._-]{{1,253}}):{_PORT}$"
"""``host:port``, as JSON Schema writes it; an IPv6 address is in brackets."""


def _check_name(text: object) -> str | None:
    if text in RESERVED_NAMES:
        return f"{text!r} is the name of a folder in the data directory; take another"
    return name_error(str(text))


def _check_address(text: object) -> str | None:
    if re.fullmatch(ADDRESS_PATTERN, str(text)):
        return None
    return f"{text!r} is no address: host:port, with an IPv6 address in brackets"


Address = Annotated[
    str, msgspec.Meta(extra={"check": _check_address}, extra_json_schema={"pattern": ADDRESS_PATTERN, "maxLength": 259})
]
ManagerName = Annotated[
    str,
    msgspec.Meta(extra={"check": _check_name}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
]


class NewManager(msgspec.Struct, frozen=True):
    """A manager that is to join: where its API will be, and where other managers will reach it."""

    name: ManagerName
    address: Address
    raft_address: Address


class ManagerAddresses(msgspec.Struct, frozen=True):
    """Where a manager is reached from now on; what is left out stays."""

    address: Address | None = None
    raft_address: Address | None = None


class NextLeader(msgspec.Struct, frozen=True):
    """Which manager is to lead."""

    to: ManagerName


class MemberView(msgspec.Struct, frozen=True):
    """A manager as the others know it. One that does not vote yet is still learning what the others have."""

    name: str
    instance: str
    address: str
    raft_address: str
    voter: bool


class MembersView(msgspec.Struct, frozen=True):
    """The managers after a change, and the entry of the log as of which that holds."""

    index: int
    members: tuple[MemberView, ...]
