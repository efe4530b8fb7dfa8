"""Commands for secrets and configs, and for the key ring that seals them."""

from typing import Annotated

import msgspec

from okube.model.sealed import Ring, Sealed
from okube.model.secret import SecretKind

__all__ = ["DeleteSecret", "PutRing", "PutSecret", "Reseal", "ResetRing"]


class PutRing(msgspec.Struct, frozen=True, array_like=True, tag="put-ring/1"):
    """The key ring from here on, in the place of the one with the revision ``before`` (0: there was none)."""

    ring: Ring
    before: int = 0
    by: str = ""


class ResetRing(msgspec.Struct, frozen=True, array_like=True, tag="reset-ring/1"):
    """Give up the key ring with the revision ``before``, and all that is sealed: its unlock key is lost."""

    before: int
    by: str = ""


class PutSecret(msgspec.Struct, frozen=True, array_like=True, tag="put-secret/1"):
    """Make a secret or config, or give one a new value; the value is sealed, as ``value_id`` says.

    ``how``: ``create`` refuses a name that is there, ``rotate`` one that is not. ``size`` is that of the open value.
    """

    secret_kind: SecretKind
    name: str
    value_id: str
    sealed: Sealed
    size: Annotated[int, msgspec.Meta(ge=0)]
    how: str  # create | rotate
    app: str = ""
    labels: dict[str, str] = {}
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()  # the apps that the caller has; empty: all


class DeleteSecret(msgspec.Struct, frozen=True, array_like=True, tag="delete-secret/1"):
    """Forget a secret or config, with all its values."""

    secret_kind: SecretKind
    name: str
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class Reseal(msgspec.Struct, frozen=True, array_like=True, tag="reseal/1"):
    """The same values under the newest data key; columns of equal length.

    Each place (see ``okube.state.sealing``) must still hold what the key ``before`` has sealed, else it stays.
    """

    places: tuple[str, ...]
    before: tuple[str, ...]
    sealed: tuple[Sealed, ...]
