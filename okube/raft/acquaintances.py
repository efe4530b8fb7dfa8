"""Whom a member speaks with: all members of a membership that is committed or may be, and who it hears are members.

Greetings carry a card: the membership that the sender knows to be committed. So a member that was away learns of those
that joined meanwhile, before it has the entries that say so; and one that was removed learns that from anyone. Both are
safe because an instance that left never comes back: of two cards the one as of the later entry is right.
"""

import logging

import msgspec

from okube.model.errors import UNREADABLE
from okube.raft.journal import Journal
from okube.raft.members import Known, Member, is_in

__all__ = ["Acquaintances"]

logger = logging.getLogger(__name__)
_decoder = msgspec.msgpack.Decoder(Known)


class Acquaintances:
    """Kept by one member, ``name`` and ``instance``, from its journal and from the cards that it is shown."""

    def __init__(self, name: str, instance: str, journal: Journal) -> None:
        self._name = name
        self._instance = instance
        self._journal = journal
        self._heard = Known(0, ())
        self._seen: object = None
        self.members: dict[str, Member] = {}
        self.card = b""
        self.refresh(journal.base_index)

    def refresh(self, commit_index: int) -> bool:
        """Look at the journal again; whether anything is new."""
        memberships = self._journal.memberships_from(commit_index)
        seen = ([at for at, _ in memberships], self._heard.index)
        if seen == self._seen:
            return False
        self._seen = seen
        known = Known(*memberships[0])
        if self._heard.index > known.index:
            memberships = [*memberships, (self._heard.index, self._heard.members)]
        found: dict[str, Member] = {}
        for _, members in sorted(memberships, key=lambda pair: pair[0], reverse=True):
            for member in members:
                found.setdefault(member.name, member)
        found.pop(self._name, None)
        self.members = found
        self.card = msgspec.msgpack.encode(known)
        return True

    def objection(self, name: str, instance: str) -> str | None:
        """Why a caller is not let in; None if it is a member."""
        member = self.members.get(name)
        if member is None:
            return f"manager {name} ({instance}) is not a member of this cluster: it was removed, or never added"
        if member.instance != instance:
            return (
                f"manager {name} ({instance}) is not the member of that name, which is {member.instance}: its data "
                "was made anew. Remove the member, then add it as a new one ('okube managers remove', 'add')"
            )
        return None

    def hear(self, card: bytes) -> Known | None:
        """Take a card, which comes from a manager of this cluster; if it says that we were removed, what it says.

        An older version sends an empty one, which says nothing.
        """
        if not card:
            return None
        try:
            theirs = _decoder.decode(card)
        except UNREADABLE as error:
            logger.warning("a greeting with a membership that cannot be read: %s", error)
            return None
        if theirs.index <= self._own_index:
            return None
        if not is_in(self._name, self._instance, theirs.members):
            return theirs
        if theirs.index > self._heard.index:
            self._heard = theirs
        return None

    @property
    def _own_index(self) -> int:
        """As of when this member knows a membership that it is in; being told an older one means nothing."""
        return self._journal.memberships_from(0)[0][0]
