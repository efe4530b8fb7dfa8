"""Errors as problem+json (RFC 9457): the one place where they are mapped to HTTP."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from okube.manager.api.context import CONTEXT, PROBLEM
from okube.model.errors import (
    Conflict,
    Defect,
    Forbidden,
    Gone,
    InvalidInput,
    Malformed,
    NoQuorum,
    NotFound,
    OkubeError,
    OutcomeUnknown,
    SlowDown,
    TooLarge,
    TooSlow,
    Unauthorized,
    UnknownMedia,
    Unreachable,
)
from okube.model.views import Problem, ProblemField

__all__ = ["problem", "problems_middleware", "status_of"]

_log = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[OkubeError], int], ...] = (
    (Malformed, 400),
    (Unauthorized, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooSlow, 408),
    (Conflict, 409),
    (Gone, 410),
    (TooLarge, 413),
    (UnknownMedia, 415),
    (InvalidInput, 422),
    (SlowDown, 429),
    (NoQuorum, 503),
    (Unreachable, 502),
    (OutcomeUnknown, 504),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status_of(error: OkubeError) -> int:
    """The HTTP status of an error."""
    return next((status for cls, status in _STATUS if isinstance(error, cls)), 500)


def problem(error: OkubeError, status: int | None = None) -> web.Response:
    """The error as an answer."""
    code = status or status_of(error)
    fields = tuple(ProblemField(e.path, e.message) for e in error.errors)
    body = Problem(f"urn:okube:error:{error.kind}", HTTPStatus(code).phrase, code, error.detail, fields)
    headers = {"Retry-After": "1"} if code in (429, 503) else {}
    return web.Response(
        body=msgspec.json.encode(body), status=code, headers=headers, content_type="application/problem+json"
    )


@web.middleware
async def problems_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer; a defect is logged with its trace and told without it.

    Where the body was not read to its end, the connection ends with the answer: what comes next on it is no request.
    """
    response = await _answered(request, handler)
    if request.body_exists and not request.content.is_eof() and not response.prepared:
        response.force_close()
    return response


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except OkubeError as error:
        request[PROBLEM] = error
        return problem(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = problem(_of_http(request, error), error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except web.RequestPayloadError as error:
        return problem(Malformed(f"the body cannot be read: {error}"))
    except ConnectionError:
        raise
    except Exception:
        request.app[CONTEXT].core.metrics.defects.labels("api").inc()
        _log.exception("a defect in %s %r", request.method, request.path)
        return problem(Defect("a defect of Okube; the manager's log has the trace"))


def _of_http(request: web.Request, error: web.HTTPException) -> OkubeError:
    if error.status == 404:
        return NotFound(f"there is no {request.path}")
    if error.status == 405:
        allowed = error.headers.get("Allow", "")
        return OkubeError(f"{request.path} does not take {request.method}; it takes {allowed}")
    if error.status == 413:
        return TooLarge("the request's body is larger than 2 MiB: send it in parts")
    return OkubeError(error.reason)
