"""The table of users, and the commands that change it."""

import msgspec

from okube.model.commands import PutUser, RemoveUser
from okube.model.errors import Conflict, FieldError, InvalidInput, NotFound
from okube.model.user import MAX_USERS, User, UserView, user_view
from okube.state.tables import Tables

__all__ = ["put", "remove"]

_json = msgspec.json.Encoder()


def put(tables: Tables, command: PutUser, now_ms: int) -> bytes:
    """Make a user, change what one may do, or give one other credentials. Answers the view."""
    old = tables.users.get(command.name)
    if command.how == "create":
        return _json.encode(_created(tables, command, old, now_ms))
    old = _named(tables, command.name, command.if_match)
    if command.how == "rotate":
        _check_token(tables, command)
        new = msgspec.structs.replace(
            old,
            instance=command.instance,
            token_sha256=command.token_sha256,
            expires_ms=command.expires_ms,
            rotated_ms=now_ms,
        )
    else:
        new = msgspec.structs.replace(
            old,
            role=old.role if command.role is None else command.role,
            apps=old.apps if command.apps is None else command.apps,
        )
    if new.role == "admin" and new.apps:
        raise InvalidInput.of([FieldError("apps", f"{new.name} is an admin of some apps then: give no apps")])
    return _json.encode(user_view(old if new == old else tables.put_user(new)))


def _created(tables: Tables, command: PutUser, old: User | None, now_ms: int) -> UserView:
    if old is not None:
        raise Conflict(f"there is a user {command.name} already; rotate gives them new credentials")
    if len(tables.users) >= MAX_USERS:
        raise Conflict(f"there are {MAX_USERS} users already: remove some that are not needed")
    _check_token(tables, command)
    user = User(
        name=command.name,
        instance=command.instance,
        role=command.role or "viewer",
        apps=command.apps or (),
        token_sha256=command.token_sha256,
        expires_ms=command.expires_ms,
        created_by=command.by,
        created_ms=now_ms,
        rotated_ms=now_ms,
    )
    return user_view(tables.put_user(user))


def remove(tables: Tables, command: RemoveUser, now_ms: int) -> bytes:
    """Forget a user, whose credentials are worth nothing from here on. Answers the view as it was."""
    del now_ms
    user = _named(tables, command.name, command.if_match)
    tables.delete_user(user.name)
    return _json.encode(user_view(user))


def _named(tables: Tables, name: str, if_match: int | None) -> User:
    user = tables.users.get(name)
    if user is None:
        raise NotFound(f"there is no user {name}")
    if if_match is not None and user.revision != if_match:
        raise Conflict(f"user {name} is at revision {user.revision}, not {if_match}: read it again and retry")
    return user


def _check_token(tables: Tables, command: PutUser) -> None:
    """Two users with one token would be one."""
    holder = tables.users.of_token(command.token_sha256)
    if holder is not None:
        raise Conflict("this token is somebody's already: make another one")
