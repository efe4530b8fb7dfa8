"""Bodies in and out: JSON both ways; and what the query says."""

import io
from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.context import CONTEXT
from okube.manager.api.strict_json import read_object_aside
from okube.model.errors import FieldError, InvalidInput, UnknownMedia

__all__ = ["MAX_DIGITS", "answer", "json_object", "query_flag", "query_number"]

MAX_DIGITS = 18  # any such number fits into 64 bits
_encoder = msgspec.json.Encoder()


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Malformed: it is no JSON, has a key twice, is nested too deep, or is no object.
        UnknownMedia: it says that it is something else.
    """
    if not _is_json(request):
        raise UnknownMedia(f"the body is {request.content_type}; send application/json")
    return await read_object_aside(await request.read())


def _is_json(request: web.Request) -> bool:
    kind = request.content_type  # application/octet-stream where the client did not say
    charset = (request.charset or "utf-8").lower()
    known = kind in ("application/json", "application/octet-stream", "text/json") or kind.endswith("+json")
    return known and charset in ("utf-8", "utf8", "us-ascii")


def answer(request: web.Request, body: Any, *, status: int = 200, revision: int | None = None) -> web.Response:
    """A JSON answer with the revision that it stands for; bytes, and files of them, are JSON already."""
    core = request.app[CONTEXT].core
    headers = {"Okube-Revision": str(core.tables.revision if revision is None else revision)}
    data = body if isinstance(body, bytes | io.BytesIO) else _encoder.encode(body)
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")


def query_flag(request: web.Request, name: str) -> bool:
    """A yes-or-no parameter; raises InvalidInput for anything but true and false."""
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise InvalidInput.of([FieldError(name, f"{text!r} is not true or false")], what="query")
    return text in ("true", "1")


def query_number(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number within bounds; raises InvalidInput."""
    text = request.query.get(name)
    if text is None:
        return default
    number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    if not number or not low <= int(text) <= high:
        raise InvalidInput.of([FieldError(name, f"{text!r} is not a number from {low} to {high}")], what="query")
    return int(text)
