"""Commands about secrets and configs, and the one that seals anew what is sealed."""

from typing import Any

import msgspec

from okube.model.commands import DeleteSecret, PutSecret, Reseal
from okube.model.errors import Conflict, NotFound
from okube.model.secret import KEPT_VALUES, Secret, SecretVersion
from okube.model.secret_views import SecretView, secret_view
from okube.state.mounts import users_of, versions_in_use
from okube.state.sealing import seal_anew
from okube.state.services import restart_for
from okube.state.tables import Tables
from okube.state.within import check_within

__all__ = ["delete", "put", "reseal"]

_SHOWN = 5


def put(tables: Tables, command: PutSecret, now_ms: int) -> bytes:
    """Make a secret, or give one that is there a new value.

    Raises:
        Conflict: it is there already; its revision moved on; or its value was sealed with a key that is gone.
        NotFound: there is none to be rotated.
        Forbidden: it is of an app that the caller has not.
    """
    if tables.ring is None or command.sealed.key_id not in {key.id for key in tables.ring.keys}:
        raise Conflict("the key ring has changed meanwhile, and nothing was done: ask again")
    old = tables.secrets.get((command.secret_kind, command.name))
    if command.how == "create":
        check_within(command.within, command.app or None, f"{command.secret_kind} {command.name}, as you want it,")
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
        new = msgspec.structs.replace(old, versions=(*_kept(tables, old), value))
    shown = msgspec.json.encode(_view(tables, tables.put_secret(new)))
    if old is not None:
        restart_for(tables, new.kind, new.name, now_ms)
    return shown


def _kept(tables: Tables, old: Secret) -> tuple[SecretVersion, ...]:
    """The values that stay beside a new one: the newest, and those that tasks still need."""
    newest, before = old.versions[1 - KEPT_VALUES :], old.versions[: 1 - KEPT_VALUES]
    used = versions_in_use(tables, old.kind, old.name) if before else frozenset()
    return (*(value for value in before if value.version in used), *newest)


def delete(tables: Tables, command: DeleteSecret, now_ms: int) -> bytes:
    """Forget a secret with all its values.

    Raises:
        NotFound: there is none.
        Conflict: services are given it, or its revision moved on.
    """
    del now_ms
    old = _found(tables, command, command.if_match)
    users = users_of(tables, old.kind, old.name)
    if users:
        named = ", ".join(service.name for service in users[:_SHOWN]) + (", ..." if len(users) > _SHOWN else "")
        raise Conflict(f"{old.kind} {old.name} is given to {named}: take it out of what they ask for first")
    if versions_in_use(tables, old.kind, old.name):
        raise Conflict(f"tasks still run with {old.kind} {old.name}: wait until their services have rolled on")
    tables.delete_secret(old)
    return msgspec.json.encode(_view(tables, old))


def reseal(tables: Tables, command: Reseal, now_ms: int) -> bytes:
    """Put the same values, sealed with the newest data key, in the place of what older keys have sealed."""
    del now_ms
    if tables.ring is not None:
        for place, before, sealed in zip(command.places, command.before, command.sealed, strict=True):
            if sealed.key_id == tables.ring.newest:
                seal_anew(tables, place, before, sealed)
    return b"null"


def _view(tables: Tables, secret: Secret) -> SecretView:
    return secret_view(secret, tuple(service.name for service in users_of(tables, secret.kind, secret.name)))


def _value(command: PutSecret, version: int, now_ms: int) -> SecretVersion:
    return SecretVersion(version, command.value_id, command.sealed, command.size, now_ms, command.by)


def _found(tables: Tables, command: Any, if_match: int | None) -> Secret:
    found = tables.secrets.get((command.secret_kind, command.name))
    if found is None:
        raise NotFound(f"there is no {command.secret_kind} {command.name}")
    check_within(command.within, found.app or None, f"{command.secret_kind} {command.name}")
    if if_match is not None and if_match != found.revision:
        raise Conflict(
            f"{command.secret_kind} {command.name} has revision {found.revision} by now, not {if_match}: read it again"
        )
    return found
