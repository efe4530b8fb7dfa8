"""Bodies in and out: JSON both ways, lists with filters and pages."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.context import CONTEXT
from okube.model.errors import FieldError, InvalidInput, Malformed

__all__ = ["MAX_DIGITS", "answer", "answer_list", "json_object", "query_flag", "query_number"]

_MAX_PAGE = 10_000
MAX_DIGITS = 18  # any such number fits into 64 bits
_encoder = msgspec.json.Encoder()


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        Malformed: it is no JSON, has a key twice, or is no object.
    """
    if request.content_type not in ("application/json", "application/octet-stream", "text/plain"):
        raise Malformed(f"the body is {request.content_type}; send application/json")
    try:
        data = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise Malformed("the body must be a JSON object")
    return data


def answer(request: web.Request, body: Any, *, status: int = 200, revision: int | None = None) -> web.Response:
    """A JSON answer with the revision that it stands for."""
    core = request.app[CONTEXT].core
    headers = {"Okube-Revision": str(core.tables.revision if revision is None else revision)}
    data = body if isinstance(body, bytes) else _encoder.encode(body)
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")


def answer_list(
    request: web.Request, rows: Iterable[tuple[str, Any]], view: Callable[[Any], msgspec.Struct]
) -> web.Response:
    """A page of a list; ``rows`` are (key, row) in the order of their keys.

    ``?limit=`` bounds the page, ``?continue=`` is the key after which it starts; the answer's ``Okube-Continue`` is
    the next such key while there is more.
    """
    limit = query_number(request, "limit", default=_MAX_PAGE, low=1, high=_MAX_PAGE)
    after = request.query.get("continue", "")
    page: list[msgspec.Struct] = []
    last = ""
    more = False
    for key, row in rows:
        if after and key <= after:
            continue
        if len(page) == limit:
            more = True
            break
        page.append(view(row))
        last = key
    response = answer(request, page)
    if more:
        response.headers["Okube-Continue"] = last
    return response


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
