"""Lists in pages: a bounded answer, made in slices so that the loop goes on, and a token for what follows."""

import asyncio
import base64
import hashlib
import io
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, query_number
from okube.manager.api.context import CONTEXT
from okube.manager.api.scope import sight_of
from okube.model.errors import FieldError, InvalidInput

__all__ = ["MAX_PAGE", "answer_list", "page_start"]

MAX_PAGE = 10_000
_SLICE = 200
_LARGE = 256 << 10
_VERSION = 1
_NO_FILTER = frozenset({"limit", "continue", "stale"})
R = TypeVar("R")
_encoder = msgspec.json.Encoder()
_tokens = msgspec.msgpack.Encoder()


class _Token(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended, and of which list: path and filters."""

    version: int
    of: bytes
    key: str


_token_decoder = msgspec.msgpack.Decoder(_Token)


def page_start(request: web.Request) -> str:
    """The key after which the page begins; empty: at the beginning.

    Raises:
        InvalidInput: ``?continue=`` is not what this list gave with these filters.
    """
    text = request.query.get("continue")
    if not text:
        return ""
    try:
        token = _token_decoder.decode(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, msgspec.MsgspecError):
        token = None
    if token is None or token.version != _VERSION:
        raise _bad("it is not what a list gave in Okube-Continue")
    if token.of != _list_of(request):
        raise _bad("it is of another list, or of this one with other filters: repeat the request that gave it")
    return token.key


async def answer_list(
    request: web.Request,
    rows: Iterable[tuple[str, R] | None],
    wanted: Callable[[R], bool],
    view: Callable[[R], msgspec.Struct],
) -> web.Response:
    """A page of a list.

    It may hold rows that are newer than its ``Okube-Revision``, and lack none that is older: whoever watches from that
    revision sees every change.

    Args:
        request: ``?limit=`` bounds the page.
        rows: (key, row) after ``page_start``, in the order of their keys; None is a pause, for the loop to go on. What
            the caller may not see is passed over.
        wanted: the filters.
        view: a row as it is shown.
    """
    sight = sight_of(request)
    limit = query_number(request, "limit", default=MAX_PAGE, low=1, high=MAX_PAGE)
    revision = request.app[CONTEXT].core.tables.revision
    parts: list[bytes] = []
    slice_: list[msgspec.Struct] = []
    seen = count = 0
    last = ""
    more = False
    for found in rows:
        seen += 1
        if found is None or seen % _SLICE == 0:
            parts += _encoded(slice_)
            slice_ = []
            await asyncio.sleep(0)
        if found is None or not wanted(found[1]) or (sight is not None and not sight(found[1])):
            continue
        if count == limit:
            more = True
            break
        slice_.append(view(found[1]))
        count, last = count + 1, found[0]
    parts += _encoded(slice_)
    body = b"[" + b",".join(parts) + b"]"
    response = answer(request, body if len(body) <= _LARGE else io.BytesIO(body), revision=revision)
    if more:
        response.headers["Okube-Continue"] = _token(request, last)
    return response


def _encoded(views: list[msgspec.Struct]) -> list[bytes]:
    return [_encoder.encode(views)[1:-1]] if views else []


def _token(request: web.Request, key: str) -> str:
    data = _tokens.encode(_Token(_VERSION, _list_of(request), key))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _list_of(request: web.Request) -> bytes:
    filters = sorted((name, value) for name, value in request.query.items() if name not in _NO_FILTER)
    return hashlib.sha256(_tokens.encode((request.path, filters))).digest()[:8]


def _bad(what: str) -> InvalidInput:
    return InvalidInput.of([FieldError("continue", what)], what="query")
