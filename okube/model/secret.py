"""Secrets and configs: named values that tasks get as files, in versions. The state holds them sealed alone."""

from typing import Annotated, Literal

import msgspec

from okube.model.sealed import Sealed

__all__ = ["KEPT_VALUES", "MAX_VALUE_BYTES", "Secret", "SecretKind", "SecretVersion", "sealed_as"]

SecretKind = Literal["secret", "config"]
"""A config is a secret that whoever may read services may read too."""

MAX_VALUE_BYTES = 512 << 10
"""How long a value may be: it goes into the log, and to every node that needs it."""

KEPT_VALUES = 5
"""So many versions are kept: tasks of versions before still run with them."""


class SecretVersion(msgspec.Struct, frozen=True, array_like=True):
    """One value; ``id`` is a part of what it is sealed as, ``made_ms`` milliseconds since 1970, UTC."""

    version: int
    id: str
    sealed: Sealed
    size: Annotated[int, msgspec.Meta(ge=0)]  # bytes
    made_ms: int = 0
    by: str = ""


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: its values, the newest last."""

    kind: SecretKind
    name: str
    app: str = ""
    labels: dict[str, str] = {}
    versions: tuple[SecretVersion, ...] = ()
    created_by: str = ""
    created_ms: int = 0
    revision: int = 0

    @property
    def newest(self) -> SecretVersion:
        """The value that new tasks get."""
        return self.versions[-1]

    def at(self, version: int) -> SecretVersion | None:
        """One of the values that are kept."""
        return next((each for each in self.versions if each.version == version), None)


def sealed_as(kind: SecretKind, name: str, value_id: str) -> str:
    """What a value is sealed as."""
    return f"{kind}/{name}/{value_id}"
