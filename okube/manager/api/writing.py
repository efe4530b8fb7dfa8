"""How a handler changes the state: one command, with the request's key, fingerprint and If-Match."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.bodies import MAX_DIGITS
from okube.manager.api.caller import Caller
from okube.manager.api.context import CALLER, CONTEXT, REQUEST_ID, SUBJECT
from okube.manager.api.identify import check_still_valid
from okube.manager.api.subject import subject_of
from okube.model.commands import Applied, Command, fingerprint
from okube.model.errors import FieldError, InvalidInput

__all__ = ["if_match", "must_exist", "only_of", "result_of", "submit"]

_MAX_KEY = 255


async def submit(request: web.Request, command: Command, *, mark: Callable[..., bytes] = fingerprint) -> Applied:
    """Propose what the request asks for; a repeat with the same key gets the first result.

    Args:
        request: the request.
        command: what it asks for.
        mark: makes of the request's parts what tells whether two are the same.

    Raises:
        InvalidInput: the key is too long, or no text.
        Unauthorized: what the caller may do has changed meanwhile.
        OkubeError: what ``ManagerCore.submit`` raises.
    """
    key = request[REQUEST_ID] if REQUEST_ID in request else request.headers.get("Idempotency-Key", "")
    if len(key) > _MAX_KEY or not key.isprintable():
        raise InvalidInput.of([FieldError("Idempotency-Key", f"up to {_MAX_KEY} printable characters")], what="header")
    body = await request.read()
    check_still_valid(request)
    request[SUBJECT] = subject_of(command)
    same = mark(
        request.method.encode(),
        request.raw_path.encode(),
        request.headers.get("If-Match", "").encode(),
        body,
        *_asker(request[CALLER]),
    )
    return await request.app[CONTEXT].core.submit(command, request_id=key, fingerprint=same)


def _asker(caller: Caller) -> tuple[bytes, ...]:
    """Nobody gets the result of another one's request by its key. Nothing for the admin, as it always was."""
    return () if caller.kind == "admin" else (caller.kind.encode(), caller.name.encode())


def if_match(request: web.Request) -> int | None:
    """The revision that the thing must have for the write to happen; None where the client does not ask for one.

    ``*`` asks only that it is there (``must_exist``).

    Raises:
        InvalidInput: it is no single revision.
    """
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    digits = text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > MAX_DIGITS:
        raise InvalidInput.of([FieldError("If-Match", _no_revision(text))], what="header")
    return int(digits)


def must_exist(request: web.Request) -> bool:
    """Whether the write is only for a thing that is there: ``If-Match`` with a revision, or ``*``."""
    return "If-Match" in request.headers


def _no_revision(text: str) -> str:
    if text.startswith("W/"):
        return f"{text} is a weak tag, and those are never compared; write the revision: {text.removeprefix('W/')}"
    if "," in text:
        return f"{text!r} names several revisions, and a thing has one at a time; write that"
    return f'{text!r} is not a revision; write one as "42", or * for any'


def result_of(applied: Applied) -> Any:
    """The answer that the state machine made, to be added to; as it is, ``applied.body`` is JSON already."""
    return msgspec.json.decode(applied.body)


def only_of(applied: Applied) -> bytes:
    """The one thing in the list that the state machine made, as JSON; what is no list, as it is."""
    body = applied.body
    return body[1:-1] if body.startswith(b"[") else body
