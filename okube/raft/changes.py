"""How a membership may change: by one member at a time, so that any majority before and after have a member in common.

A new member learns first and votes later; ``joined``, ``promoted`` and ``left`` are the three steps. Each raises
``Conflict`` or ``NotFound`` with a sentence where it is not allowed. (Ongaro's thesis, 4.1 to 4.3.)
"""

from collections.abc import Collection

import msgspec

from okube.raft.election import majority
from okube.raft.errors import Conflict, NotFound
from okube.raft.members import Member, Membership, is_in, voters

__all__ = ["MAX_MEMBERS", "joined", "left", "promoted", "readdressed"]

MAX_MEMBERS = 7
"""More managers make each write slower, and bear the loss of no more than anybody has seen at once."""


def joined(members: Membership, new: Member) -> Membership:
    """With one more, which learns.

    Raises:
        Conflict: its name or an address is taken, its instance was a member before, or there are enough.
    """
    for member in members:
        if member.name == new.name:
            raise Conflict(
                f"{new.name} is a manager of this cluster already, at {member.api_address} (instance "
                f"{member.instance}); to replace it, remove it first"
            )
        taken = {member.raft_address, member.api_address} & {new.raft_address, new.api_address}
        if taken:
            raise Conflict(f"{min(taken)} is the address of {member.name}; give {new.name} another")
    learning = next((member.name for member in members if not member.voter), None)
    if learning is not None:
        raise Conflict(f"{learning} is joining and does not have the log yet; one manager joins at a time")
    if len(members) >= MAX_MEMBERS:
        raise Conflict(f"there are {len(members)} managers, and {MAX_MEMBERS} are the most; remove one first")
    return (*members, msgspec.structs.replace(new, voter=False))


def promoted(members: Membership, name: str) -> Membership:
    """With the same members, and the one that learned votes."""
    return tuple(msgspec.structs.replace(m, voter=True) if m.name == name else m for m in members)


def readdressed(members: Membership, name: str, *, raft_address: str, api_address: str) -> Membership:
    """With the same members, one of which is reached elsewhere; the very same where it is there already.

    Raises:
        NotFound: there is no such member.
        Conflict: an address is another one's.
    """
    member = next((member for member in members if member.name == name), None)
    if member is None:
        raise NotFound(f"there is no manager {name}; there are {', '.join(member.name for member in members)}")
    moved = msgspec.structs.replace(member, raft_address=raft_address, api_address=api_address)
    if moved == member:
        return members
    for other in members:
        taken = {other.raft_address, other.api_address} & {raft_address, api_address}
        if other is not member and taken:
            raise Conflict(f"{min(taken)} is the address of {other.name}; give {name} another")
    return tuple(moved if each is member else each for each in members)


def left(members: Membership, name: str, instance: str | None, *, answering: Collection[str]) -> Membership:
    """Without one. ``answering`` are the members that the leader hears now, itself included.

    Raises:
        NotFound: there is no such member.
        Conflict: it is the last one, or those that are left could not agree on anything.
    """
    going = next((member for member in members if member.name == name), None)
    if going is None:
        raise NotFound(f"there is no manager {name}; there are {', '.join(member.name for member in members)}")
    if instance is not None and not is_in(name, instance, members):
        raise Conflict(f"{name} is instance {going.instance} now, not {instance}: it was replaced meanwhile")
    staying = tuple(member for member in members if member.name != name)
    if not voters(staying):
        raise Conflict(f"{name} is the only manager; a cluster without one is ended with 'okube down'")
    answer = [voter for voter in voters(staying) if voter in answering]
    if going.voter and len(answer) < majority(len(voters(staying))):
        silent = ", ".join(voter for voter in voters(staying) if voter not in answering)
        raise Conflict(
            f"without {name} the managers would have no majority: {silent} does not answer; bring it back, or remove "
            "it first"
        )
    return staying
