"""The JSON shapes of the key ring and the unlock key."""

import msgspec

__all__ = [
    "DataKeyView",
    "KeyringChange",
    "KeyringReset",
    "KeyringView",
    "UnlockBody",
    "UnlockKeyView",
    "UnlockedView",
]


class DataKeyView(msgspec.Struct, frozen=True):
    """A data key by its id: when it was made, whether it seals, and how many values it has sealed."""

    id: str
    created_at: str | None
    seals: bool
    values: int


class KeyringView(msgspec.Struct, frozen=True, kw_only=True):
    """The key ring: the id of the unlock key (null: there is no ring yet), and the data keys, the newest last."""

    unlock_key: str | None
    autolock: bool
    keys: list[DataKeyView]


class KeyringChange(msgspec.Struct, frozen=True):
    """Another unlock key, and whether managers lock themselves from here on (left out: as it is).

    ``key`` is the key, in its written form, from whoever will keep it: it must come so where managers lock themselves.
    Left out, the leader makes one.
    """

    autolock: bool | None = None
    key: str | None = None


class KeyringReset(msgspec.Struct, frozen=True):
    """The id of the unlock key that is lost, so that no other ring than the one that was meant is given up."""

    unlock_key: str


class UnlockKeyView(msgspec.Struct, frozen=True):
    """The unlock key itself: whoever has it and a copy of the state can read all secrets."""

    id: str
    key: str


class UnlockBody(msgspec.Struct, frozen=True):
    """The unlock key, from whoever keeps it."""

    key: str


class UnlockedView(msgspec.Struct, frozen=True):
    """Which managers have the unlock key now, and which did not answer or did not take it."""

    unlocked: list[str]
    missing: list[str]
