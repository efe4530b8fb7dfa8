"""People and programs that may use the cluster, what each may do, and how the API takes and shows them."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from okube.model.errors import FieldError
from okube.model.names import MAX_NAME, NAME_PATTERN, name_error
from okube.model.quantities import rfc3339
from okube.model.views import Revision, Time

__all__ = [
    "BREAK_GLASS",
    "MAX_USERS",
    "RANKS",
    "CallerView",
    "CertificateRequest",
    "NewUser",
    "User",
    "UserCertificate",
    "UserChange",
    "UserRole",
    "UserRotation",
    "UserView",
    "user_view",
]

UserRole = Literal["viewer", "operator", "admin"]
RANKS: dict[str, int] = {"viewer": 1, "operator": 2, "admin": 3}
"""Who has a role may do all that those below it may."""

BREAK_GLASS = "admin"
"""Who holds the credentials that ``okube up`` leaves: no row of the table, so that no change of it shuts them out."""

MAX_USERS = 5000
_MAX_APPS = 100
_SHA256 = "^[0-9a-f]{64}$"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Times are milliseconds since 1970, UTC.

    ``instance`` changes whenever the credentials do, so that older ones are known for what they are. ``apps`` empty:
    the whole cluster. ``expires_ms``: from when on nothing is believed any more.
    """

    name: str
    instance: str
    role: UserRole
    apps: tuple[str, ...] = ()
    token_sha256: str = ""
    expires_ms: int | None = None
    created_by: str = ""
    created_ms: int = 0
    rotated_ms: int = 0
    revision: int = 0


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user: a role, for the whole cluster or for some apps."""

    name: str
    role: UserRole
    apps: tuple[str, ...]
    created_by: str
    created_at: Time | None
    rotated_at: Time | None
    expires_at: Time | None
    revision: Revision


class CallerView(msgspec.Struct, frozen=True, kw_only=True):
    """Who you are to the cluster, and what you may do; ``apps`` empty: all."""

    name: str
    role: UserRole
    apps: tuple[str, ...] = ()
    expires_at: Time | None = None


def user_view(user: User) -> UserView:
    """A user as the API shows it; nothing of the credentials."""
    return UserView(
        name=user.name,
        role=user.role,
        apps=user.apps,
        created_by=user.created_by,
        created_at=rfc3339(user.created_ms),
        rotated_at=rfc3339(user.rotated_ms),
        expires_at=rfc3339(user.expires_ms),
        revision=user.revision,
    )


def _check_name(text: object) -> str | None:
    if text == BREAK_GLASS:
        return f"{text!r} is who holds what `okube up` left; take another name"
    return name_error(str(text))


def _check_sha256(text: object) -> str | None:
    if re.fullmatch(_SHA256, str(text)):
        return None
    return "is not the SHA-256 of a token: 64 hexadecimal digits in lower case"


def _check_apps(apps: Any) -> str | None:
    if len(apps) > _MAX_APPS:
        return f"{len(apps)} apps are more than {_MAX_APPS}"
    wrong = next((app for app in apps if name_error(str(app))), None)
    return None if wrong is None else f"{wrong!r} is no app's name"


def _check_expiry(value: object) -> str | None:
    ok = isinstance(value, int) and 0 < value <= 253_402_300_799_999
    return None if ok else f"{value!r} is no time: milliseconds since 1970, UTC"


Name = Annotated[
    str,
    msgspec.Meta(extra={"check": _check_name}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
]
TokenHash = Annotated[str, msgspec.Meta(extra={"check": _check_sha256}, extra_json_schema={"pattern": _SHA256})]
Apps = Annotated[tuple[str, ...], msgspec.Meta(extra={"check": _check_apps})]
Expiry = Annotated[int, msgspec.Meta(extra={"check": _check_expiry}, description="milliseconds since 1970, UTC")]


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to be made.

    The token is made by who asks and never sent: the cluster gets its SHA-256, and knows it by that.
    """

    name: Name
    role: UserRole
    token_sha256: TokenHash
    apps: Apps = ()
    expires_ms: Expiry | None = None

    def problems(self) -> Iterator[FieldError]:
        """What is wrong with the whole."""
        yield from _apps_of_admin(self.role, self.apps)


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a user is to be otherwise; what is left out stays. Credentials stay the same."""

    role: UserRole | None = None
    apps: Apps | None = None


class UserRotation(msgspec.Struct, frozen=True, kw_only=True):
    """New credentials for a user; the ones before are worth nothing from then on."""

    token_sha256: TokenHash
    expires_ms: Expiry | None = None


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A user asks for a certificate of a key that stays where it was made; ``csr`` is a request for it, as PEM."""

    csr: Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 8192})]


class UserCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate, the certificates of the CA that all parties trust, both as PEM, and how long it lasts."""

    certificate: str
    ca: str
    expires_at: Time | None


def _apps_of_admin(role: str, apps: tuple[str, ...]) -> Iterator[FieldError]:
    if role == "admin" and apps:
        yield FieldError("apps", "an admin is one for the whole cluster: leave apps out, or take operator")
