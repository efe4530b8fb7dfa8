"""Commands for users, and for the tokens with which machines join."""

import msgspec

from okube.model.user import UserRole

__all__ = ["CreateJoinToken", "PutUser", "RemoveUser", "RevokeJoinToken", "UseJoinToken"]


class PutUser(msgspec.Struct, frozen=True, array_like=True, tag="put-user/1"):
    """A user: ``create``, ``change`` (role and apps; None leaves a thing as it is) or ``rotate`` (other credentials).

    ``instance`` is what the credentials made with ``create`` and ``rotate`` are known by; of the token there is the
    hash alone.
    """

    name: str
    how: str  # create | change | rotate
    instance: str = ""
    role: UserRole | None = None
    apps: tuple[str, ...] | None = None
    token_sha256: str = ""
    expires_ms: int | None = None
    if_match: int | None = None
    by: str = ""


class RemoveUser(msgspec.Struct, frozen=True, array_like=True, tag="remove-user/1"):
    """Forget a user; what they show is not believed any more."""

    name: str
    if_match: int | None = None
    by: str = ""


class CreateJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="create-join-token/1"):
    """Make a token with which machines join; ``uses`` 0: as many as like. Only the hash of its secret is kept."""

    id: str
    role: str  # worker | manager
    secret_sha256: str
    ttl_ms: int
    uses: int = 0
    by: str = ""


class RevokeJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="revoke-join-token/1"):
    """A token lets nobody in from here on, and is forgotten."""

    id: str
    by: str = ""


class UseJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="use-join-token/1"):
    """A machine joins with a token, whose secret it has shown; the same instance again counts once.

    A worker's node is there from now on, down until its agent is heard; so its name and its machine are taken.
    ``beside`` says that another node may have the same machine.
    """

    id: str
    name: str
    instance: str
    address: str
    labels: dict[str, str] = {}
    zone: str = ""
    machine_id: str = ""
    beside: bool = False
