"""The JSON shapes of secrets, configs and the key ring. No value of a secret is in any of them."""

import base64
import binascii
from typing import Annotated

import msgspec

from okube.model.names import name_error
from okube.model.quantities import rfc3339
from okube.model.secret import MAX_VALUE_BYTES, Secret
from okube.model.spec import Labels

__all__ = ["NewSecret", "NewValue", "SecretValueView", "SecretView", "secret_view"]


def _value(data: object) -> bytes:
    """Bytes from base64; what is said of a wrong value repeats nothing of it."""
    if not isinstance(data, str):
        raise ValueError("text in base64 is expected")
    try:
        value = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is no base64") from None
    if len(value) > MAX_VALUE_BYTES:
        raise ValueError(f"{len(value)} bytes are too many: up to {MAX_VALUE_BYTES >> 10} KiB")
    return value


Value = Annotated[bytes, msgspec.Meta(extra={"parse": _value}, description="The value, in base64.")]
Name = Annotated[str, msgspec.Meta(extra={"check": name_error})]
AppName = Annotated[str, msgspec.Meta(extra={"check": lambda text: name_error(text) if text else None})]


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What POST takes."""

    name: Name
    value: Value
    app: AppName = ""
    labels: Labels = {}


class NewValue(msgspec.Struct, frozen=True):
    """What a rotation takes."""

    value: Value


class SecretValueView(msgspec.Struct, frozen=True):
    """One of the values that are kept, without itself."""

    version: int
    created_at: str | None
    by: str


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """A secret or a config; ``services`` are given it, and ``bytes`` is how long a config is."""

    name: str
    app: str = ""
    labels: dict[str, str] = {}
    version: int
    versions: list[SecretValueView]
    bytes: int | None = None
    created_by: str = ""
    created_at: str | None
    updated_at: str | None
    revision: int
    services: tuple[str, ...] = ()


def secret_view(secret: Secret, services: tuple[str, ...]) -> SecretView:
    """A row as the API shows it; ``services`` are the names of those that are given it."""
    return SecretView(
        name=secret.name,
        app=secret.app,
        labels=secret.labels,
        version=secret.newest.version,
        versions=[SecretValueView(each.version, rfc3339(each.made_ms), each.by) for each in secret.versions],
        bytes=secret.newest.size if secret.kind == "config" else None,
        created_by=secret.created_by,
        created_at=rfc3339(secret.created_ms),
        updated_at=rfc3339(secret.newest.made_ms),
        revision=secret.revision,
        services=services,
    )
