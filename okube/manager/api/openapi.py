"""The reference of the API as OpenAPI 3.1, from the table of routes and the structs; served as ``/openapi.json``.

``python -m okube.manager.api.openapi`` prints it; with ``--write`` it brings ``docs/api.md`` up to date.
"""

import sys
from functools import cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.routes import ROUTES
from okube.manager.api.schemas import Schema, Schemas
from okube.model.views import Problem

__all__ = ["HEADERS", "document", "errors_of", "routes"]

routes = web.RouteTableDef()

HEADERS: dict[str, tuple[str, Schema]] = {
    "Okube-Revision": ("the revision that the answer stands for", {"type": "string", "pattern": "^[0-9]+$"}),
    "Okube-Continue": ("what `continue` takes for the next page; absent on the last one", {"type": "string"}),
    "Okube-Age": (
        "of a stale answer: seconds since this manager led or heard a leader",
        {"type": "string", "pattern": r"^[0-9]+\.[0-9]$"},
    ),
    "ETag": ("the revision in quotes, as `If-Match` takes it", {"type": "string"}),
    "Retry-After": ("seconds after which to ask again", {"type": "string"}),
    "Allow": ("the methods that the path takes", {"type": "string"}),
}

_MEANING = {
    400: "malformed: it cannot be read at all",
    401: "nobody said who they are, or it is not believed",
    403: "it is known who asks, and they may not",
    404: "there is nothing of that name",
    405: "the path does not take this method; `Allow` has those it takes",
    408: "the request came too slowly",
    409: "the state of things does not allow it: a name taken, a revision that moved on",
    410: "what was asked for is not kept any more: begin anew from a list",
    413: "the body is larger than what is taken",
    415: "the body is of a type that is not read",
    422: "it can be read and is wrong; `errors` names every place",
    429: "too many requests at a time; `Retry-After` says when to ask again",
    431: "too many or too large headers",
    502: "the node's agent does not answer",
    503: "no leader can be found or confirmed now; asking again is safe",
    504: "whether the write was done is not known; repeating it with the same key is safe",
}


def errors_of(route: Route) -> tuple[int, ...]:
    """The statuses of errors that a route may answer."""
    found = {400, 408, 422, 429, 431, *route.errors}
    if route.role != "anyone":
        found |= {401, 403, 503}
    if route.body is not None:
        found |= {413, 415}
    if route.is_write:
        found |= {504}
    return tuple(sorted(found))


@cache
def document() -> dict[str, Any]:
    """The whole document as plain data."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Okube",
            "version": _version(),
            "description": "The API of the managers: any of them serves any request.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"certificate": []}, {"token": []}],
        "tags": [{"name": group} for group in dict.fromkeys(route.group for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {f"E{status}": _error(status, schemas) for status in sorted(_MEANING)},
            "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()},
            "securitySchemes": {
                "certificate": {"type": "mutualTLS", "description": "A client certificate of the cluster's CA."},
                "token": {"type": "http", "scheme": "bearer", "description": "A user's token, or the admin's."},
            },
        },
    }


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


@routes.get("/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """The reference of the API."""
    del request
    return web.Response(body=_encoded(), content_type="application/json")


def _schemas() -> Schemas:
    answers = {str(a.of): a.of for route in ROUTES for a in route.answers if a.of is not None}
    bodies = {str(r.body): r.body for r in ROUTES if r.body not in (None, bytes)}
    return Schemas([*answers.values(), Problem], list(bodies.values()))


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.text,
        "tags": [route.group],
        "x-okube-role": route.role,
        "x-okube-scope": route.scope,
    }
    if route.role == "anyone":
        made["security"] = []
    if route.role in ("worker", "manager"):
        made["security"] = [{"certificate": []}]
    if route.parameters:
        made["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        made["requestBody"] = {"required": True, "content": {route.body_media: _body(route, schemas)}}
    made["responses"] = _answers(route, schemas) | {
        str(status): {"$ref": f"#/components/responses/E{status}"} for status in errors_of(route)
    }
    return made


def _parameter(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {"name": parameter.name, "in": parameter.where, "description": parameter.text}
    if parameter.where == "path":
        made["required"] = True
    schema = parameter.schema
    if parameter.repeated:
        schema = {"type": "array", "items": schema}
        made["explode"] = True
    return made | {"schema": schema}


def _body(route: Route, schemas: Schemas) -> dict[str, Any]:
    if route.body is bytes:
        return {}
    of_path = frozenset(parameter.name for parameter in route.parameters if parameter.where == "path")
    return {"schema": schemas.body_without(route.body, of_path)}


def _answers(route: Route, schemas: Schemas) -> dict[str, Any]:
    """By status; one status may have several forms of content."""
    made: dict[str, Any] = {}
    for answer in route.answers:
        one = _answer(answer, schemas)
        known = made.setdefault(str(answer.status), one)
        if known is not one:
            known["description"] += f"; {one['description']}"
            known["content"] |= one["content"]
    return made


def _answer(answer: Answer, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {"description": answer.text}
    if answer.headers:
        made["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in answer.headers}
    if not answer.media:
        return made
    if answer.of is None:
        made["content"] = {answer.media: {}}
    elif answer.media == "application/json":
        made["content"] = {answer.media: {"schema": schemas.answer(answer.of)}}
    else:
        line = schemas.answer(answer.of)
        made["content"] = {answer.media: {"x-okube-line": line}}
    return made


def _error(status: int, schemas: Schemas) -> dict[str, Any]:
    made: dict[str, Any] = {"description": f"{HTTPStatus(status).phrase}: {_MEANING[status]}"}
    extra = {405: "Allow", 429: "Retry-After", 503: "Retry-After"}.get(status)
    if extra is not None:
        made["headers"] = {extra: {"$ref": f"#/components/headers/{extra}"}}
    return made | {"content": {"application/problem+json": {"schema": schemas.answer(Problem)}}}


def _version() -> str:
    try:
        return version("okube")
    except PackageNotFoundError:
        return "0"


def main(arguments: list[str]) -> None:
    """Print the document, or write ``docs/api.md`` below the folder that is named."""
    if arguments[:1] == ["--write"]:
        from okube.manager.api.reference import markdown

        path = Path(arguments[1] if len(arguments) > 1 else ".") / "docs" / "api.md"
        path.write_text(markdown(document(), ROUTES), encoding="utf-8")
        return
    sys.stdout.write(msgspec.json.format(_encoded().decode()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
