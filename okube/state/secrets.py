"""Commands about secrets and configs, and the one that seals anew what is sealed."""

from typing import Any

import msgspec

from okube.model.commands import DeleteSecret, PutSecret, Reseal
from okube.model.errors import Conflict, NotFound
from okube.model.secret import KEPT_VALUES, Secret, SecretVersion
from okube.model.secret_views import secret_view
from okube.state.sealing import seal_anew
from okube.state.tables import Tables

__all__ = ["delete", "put", "reseal"]


def put(tables: Tables, command: PutSecret, now_ms: int) -> bytes:
    """Make a secret, or give one that is there a new value.

    Raises:
        Conflict: it is there already; its revision moved on; or its value was sealed with a key that is gone.
        NotFound: there is none to be rotated.
    """
    if tables.ring is None or command.sealed.key_id not in {key.id for key in tables.ring.keys}:
        raise Conflict("the key ring has changed meanwhile, and nothing was done: ask again")
    old = tables.secrets.get((command.secret_kind, command.name))
    if command.how == "create":
        if old is not None:
            raise Conflict(
                f"there is a {command.secret_kind} {command.name} already; give it a new value with "
                f"'okube {command.secret_kind} rotate {command.name}'"
            )
        new = Secret(
            kind=command.secret_kind,
            name=command.name,
            app=command.app,
            labels=command.labels,
            versions=(_value(command, 1, now_ms),),
            created_by=command.by,
            created_ms=now_ms,
        )
    else:
        old = _found(tables, command, command.if_match)
        value = _value(command, old.newest.version + 1, now_ms)
        new = msgspec.structs.replace(old, versions=(*old.versions, value)[-KEPT_VALUES:])
    return msgspec.json.encode(secret_view(tables.put_secret(new)))


def delete(tables: Tables, command: DeleteSecret, now_ms: int) -> bytes:
    """Forget a secret with all its values. Raises NotFound, and Conflict where its revision moved on."""
    del now_ms
    old = _found(tables, command, command.if_match)
    tables.delete_secret(old)
    return msgspec.json.encode(secret_view(old))


def reseal(tables: Tables, command: Reseal, now_ms: int) -> bytes:
    """Put the same values, sealed with the newest data key, in the place of what older keys have sealed."""
    del now_ms
    if tables.ring is not None:
        for place, before, sealed in zip(command.places, command.before, command.sealed, strict=True):
            if sealed.key_id == tables.ring.newest:
                seal_anew(tables, place, before, sealed)
    return b"null"


def _value(command: PutSecret, version: int, now_ms: int) -> SecretVersion:
    return SecretVersion(version, command.value_id, command.sealed, command.size, now_ms, command.by)


def _found(tables: Tables, command: Any, if_match: int | None) -> Secret:
    found = tables.secrets.get((command.secret_kind, command.name))
    if found is None:
        raise NotFound(f"there is no {command.secret_kind} {command.name}")
    if if_match is not None and if_match != found.revision:
        raise Conflict(
            f"{command.secret_kind} {command.name} has revision {found.revision} by now, not {if_match}: read it again"
        )
    return found
