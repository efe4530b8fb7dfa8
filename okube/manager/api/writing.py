"""How a handler changes the state: one command, with the request's key, fingerprint and If-Match."""

from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.bodies import MAX_DIGITS
from okube.manager.api.context import CONTEXT, REQUEST_ID
from okube.model.commands import Applied, Command, fingerprint
from okube.model.errors import FieldError, InvalidInput

__all__ = ["if_match", "result_of", "submit"]

_MAX_KEY = 255


async def submit(request: web.Request, command: Command) -> Applied:
    """Propose what the request asks for; a repeat with the same key gets the first result.

    Raises:
        InvalidInput: the key is too long, or no text.
        OkubeError: what ``ManagerCore.submit`` raises.
    """
    key = request[REQUEST_ID] if REQUEST_ID in request else request.headers.get("Idempotency-Key", "")
    if len(key) > _MAX_KEY or not key.isprintable():
        raise InvalidInput.of([FieldError("Idempotency-Key", f"up to {_MAX_KEY} printable characters")], what="header")
    body = await request.read()
    mark = fingerprint(
        request.method.encode(), request.raw_path.encode(), request.headers.get("If-Match", "").encode(), body
    )
    return await request.app[CONTEXT].core.submit(command, request_id=key, fingerprint=mark)


def if_match(request: web.Request) -> int | None:
    """The revision that the thing must have for the write to happen; None where the client does not ask for one."""
    text = request.headers.get("If-Match")
    if text is None:
        return None
    digits = text.strip().strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > MAX_DIGITS:
        raise InvalidInput.of([FieldError("If-Match", f"{text!r} is not a revision")], what="header")
    return int(digits)


def result_of(applied: Applied) -> Any:
    """The answer that the state machine made."""
    return msgspec.json.decode(applied.body)
