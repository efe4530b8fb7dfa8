"""Join tokens: what lets a machine into the cluster, as it is kept, shown and asked for.

The cluster keeps a token's hash alone. Whoever makes one draws its secret, so that the secret is in no request, no
log entry and no snapshot before a machine shows it.
"""

import re
from typing import Annotated, Literal

import msgspec

from okube.model.managers import Address, ManagerName
from okube.model.names import MAX_NAME, NAME_PATTERN, is_dns_label
from okube.model.spec import Labels

__all__ = [
    "KEPT_TOKENS",
    "MAX_TTL_S",
    "JoinAnswer",
    "JoinAuthority",
    "JoinRequest",
    "JoinRole",
    "JoinTokenView",
    "JoinedManager",
    "KeptToken",
    "NewJoinToken",
]

JoinRole = Literal["worker", "manager"]
KEPT_TOKENS = 100
"""So many tokens there are at most, those that ended a day ago and later among them."""
MAX_TTL_S = 366 * 86_400
REMEMBERED = 32
"""So many of the instances that joined with a token are remembered, so that one that repeats itself counts once."""

_Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
_SHA256 = "^[0-9a-f]{64}$"
_MOST_USES = 10_000


def _check_sha256(text: object) -> str | None:
    return None if re.fullmatch(_SHA256, str(text)) else "is no SHA-256 in hex: 64 digits, 0 to f"


def _check_id(text: object) -> str | None:
    return None if is_dns_label(str(text)) else "is no id: it is made of a-z and 0-9"


def _check_ttl(seconds: float) -> str | None:
    return None if 0 < seconds <= MAX_TTL_S else f"a token lets in for more than 0 and up to {MAX_TTL_S} seconds"


def _check_uses(uses: int) -> str | None:
    return None if 0 <= uses <= _MOST_USES else f"a token lets in up to {_MOST_USES} machines; 0: any number"


def _at_most(length: int) -> msgspec.Meta:
    """Text of a bounded length, in the schema and where it is read."""

    def check(text: str) -> str | None:
        return None if len(text) <= length else f"is longer than {length} characters"

    return msgspec.Meta(extra={"check": check}, extra_json_schema={"maxLength": length})


_Sha256 = Annotated[str, msgspec.Meta(extra={"check": _check_sha256}, extra_json_schema={"pattern": _SHA256})]
_Id = Annotated[
    str, msgspec.Meta(extra={"check": _check_id}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME})
]
_Ttl = Annotated[
    float,
    msgspec.Meta(extra={"check": _check_ttl}, extra_json_schema={"exclusiveMinimum": 0, "maximum": MAX_TTL_S}),
]
_Uses = Annotated[
    int, msgspec.Meta(extra={"check": _check_uses}, extra_json_schema={"minimum": 0, "maximum": _MOST_USES})
]


class KeptToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token in the replicated state. ``uses`` 0: as often as one likes. Times are milliseconds since 1970, UTC."""

    id: str
    role: JoinRole
    secret_sha256: str
    created_ms: int
    expires_ms: int
    uses: int = 0
    used: int = 0
    created_by: str = ""
    instances: tuple[str, ...] = ()

    def why_not(self, now_ms: int) -> str:
        """Why it lets nobody in any more; empty where it does."""
        if now_ms >= self.expires_ms:
            return "has expired"
        if self.uses and self.used >= self.uses:
            return "is used up"
        return ""


class NewJoinToken(msgspec.Struct, frozen=True):
    """A token that is to be made: of which role, for how many seconds, for how many machines (0: any number).

    ``secret_sha256`` is the SHA-256, in hex, of the secret that its maker has drawn and tells nobody but the machines.
    """

    role: JoinRole
    secret_sha256: _Sha256
    ttl_s: _Ttl = 3600.0
    uses: _Uses = 0


class JoinTokenView(msgspec.Struct, frozen=True):
    """A token without its secret; ``state`` is ``valid``, ``expired`` or ``used up``.

    ``ca_sha256`` is the fingerprint of the CA that a machine which joins must find.
    """

    id: str
    role: JoinRole
    state: Literal["valid", "expired", "used up"]
    uses: int
    used: int
    created_at: _Time | None
    expires_at: _Time | None
    created_by: str
    ca_sha256: str = ""


class JoinAuthority(msgspec.Struct, frozen=True):
    """What a machine may know before it says who it is: the certificates of the cluster's CA, in PEM."""

    ca: str


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A machine asks to be let in. It has drawn its ``instance`` and its key, whose request ``csr`` (PEM) is.

    ``address`` is where its agent, or a manager's API, is reached; ``raft_address`` where other managers reach a
    manager. ``machine_id`` is a hash of the machine's own id; ``beside`` says that two processes on one machine are
    meant.
    """

    token: _Id
    secret: Annotated[str, _at_most(128)]
    role: JoinRole
    name: ManagerName
    instance: _Id
    address: Address
    csr: Annotated[str, _at_most(8192)]
    raft_address: Address | None = None
    machine_id: Annotated[str, _at_most(64)] = ""
    beside: bool = False
    zone: Annotated[str, _at_most(63)] = ""
    labels: Labels = {}


class JoinedManager(msgspec.Struct, frozen=True):
    """A manager, as one that joins must know it."""

    name: str
    instance: str
    address: str
    raft_address: str
    voter: bool = True


class JoinAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All that a machine needs of the cluster that has let it in; times are seconds.

    ``certificate`` and ``ca`` are PEM. What only a manager may know (``admin_token_sha256``, and ``unlock_key`` as its
    file has it) is empty for workers. ``index`` is the entry of the log as of which these are the managers.
    """

    cluster: str
    cluster_id: str
    incarnation: int
    certificate: str
    ca: str
    managers: tuple[JoinedManager, ...]
    index: int
    heartbeat_s: float
    node_down_after_s: float
    election_s: float
    admin_token_sha256: str = ""
    unlock_key: str = ""
