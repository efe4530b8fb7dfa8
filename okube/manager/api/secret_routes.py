"""The table of routes, the part about secrets and configs."""

import functools
from collections.abc import Iterator

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import LABEL, NAME, PAGE_HEADERS, PAGES, READ_HEADERS, STALE, WRITE, number
from okube.model.secret import SecretKind
from okube.model.secret_views import NewSecret, NewValue, SecretView

__all__ = ["SECRETS"]

_route = functools.partial(Route, group="secrets and configs", scope="app")


def _routes(kind: SecretKind, what: str) -> Iterator[Route]:
    name = Parameter("name", f"the {kind}", NAME, "path")
    made = Answer(text=f"the {kind}, without its value", of=SecretView)
    yield _route(
        method="GET",
        path=f"/v1/{kind}s",
        name=f"list_{kind}s",
        role="viewer",
        text=f"All {kind}s, by name: their versions, and no value.",
        parameters=(Parameter("app", "those of an app", NAME), LABEL, *PAGES),
        answers=(Answer(text=f"a page of {kind}s", of=list[SecretView], headers=PAGE_HEADERS),),
    )
    yield _route(
        method="POST",
        path=f"/v1/{kind}s",
        name=f"create_{kind}",
        role="operator",
        text=f"A new {kind}. {what} 409 where the name is taken, or the leader is locked.",
        parameters=WRITE[:1],
        body=NewSecret,
        answers=(Answer(status=201, text=f"the {kind}, without its value", of=SecretView),),
        errors=(409,),
    )
    yield _route(
        method="GET",
        path=f"/v1/{kind}s/{{name}}",
        name=f"get_{kind}",
        role="viewer",
        text=f"One {kind}, without its value.",
        parameters=(name, STALE),
        answers=(Answer(text=f"the {kind}", of=SecretView, headers=READ_HEADERS),),
        errors=(404,),
    )
    yield _route(
        method="POST",
        path=f"/v1/{kind}s/{{name}}/rotate",
        name=f"rotate_{kind}",
        role="operator",
        text=f"Give a {kind} a new value: its next version. The newest five are kept.",
        parameters=(name, *WRITE),
        body=NewValue,
        answers=(made,),
        errors=(404, 409),
    )
    yield _route(
        method="DELETE",
        path=f"/v1/{kind}s/{{name}}",
        name=f"remove_{kind}",
        role="operator",
        text=f"Forget a {kind} with all its values.",
        parameters=(name, *WRITE),
        answers=(Answer(text=f"the {kind} as it was", of=SecretView),),
        errors=(404, 409),
    )


_VALUE = _route(
    method="GET",
    path="/v1/configs/{name}/value",
    name="value_of_config",
    role="viewer",
    text="What a config holds, byte for byte. There is no such thing for secrets. 409 where this manager is locked.",
    parameters=(
        Parameter("name", "the config", NAME, "path"),
        Parameter("version", "one of the versions that are kept; the newest", number(1, 10**9)),
        STALE,
    ),
    answers=(Answer(text="the value", media="application/octet-stream", headers=READ_HEADERS),),
    errors=(404, 409),
)

SECRETS = (
    *_routes("secret", "Its value is sealed before anything else happens to it, and no route gives it back."),
    *_routes("config", "Its value is sealed as that of a secret is, and may be read back."),
    _VALUE,
)
