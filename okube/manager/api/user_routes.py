"""The table of routes, the part about users."""

import functools

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import NAME, PAGE_HEADERS, PAGES, READ_HEADERS, STALE, WRITE, number, one_of
from okube.model.audit import RESULTS, AuditAnswer
from okube.model.user import (
    CallerView,
    CertificateRequest,
    NewUser,
    UserCertificate,
    UserChange,
    UserRotation,
    UserView,
)

__all__ = ["AUDIT", "USERS"]

_AUDIT_FILTERS = (
    STALE,
    Parameter("user", "those of a user"),
    Parameter("action", "those of a route, by its name in this reference (`operationId`)"),
    Parameter("result", "those that came to this", one_of(*RESULTS)),
    Parameter("since", "only those from this time on: milliseconds since 1970, UTC", number(0, 253_402_300_799_999)),
    Parameter("limit", "how many at most, the newest", number(1, 10_000, default=1000)),
)
_NAME = Parameter("name", "the user", NAME, "path")
_USER = Answer(text="the user", of=UserView)

_route = functools.partial(Route, group="users", role="admin")
_audit = functools.partial(
    Route,
    group="audit",
    role="admin",
    parameters=_AUDIT_FILTERS,
    answers=(Answer(text="the records", of=AuditAnswer),),
)

USERS = (
    Route(
        method="GET",
        path="/v1/self",
        name="who_am_i",
        group="users",
        role="viewer",
        scope="any",
        text="Who you are to the cluster, and what you may do.",
        parameters=(STALE,),
        answers=(Answer(text="the caller", of=CallerView),),
    ),
    Route(
        method="POST",
        path="/v1/self/certificate",
        name="certify",
        group="users",
        role="viewer",
        scope="any",
        text="A certificate for yourself, in the place of your token. It is worth what the token is: nothing from the "
        "moment on in which the user is removed or given other credentials.",
        body=CertificateRequest,
        answers=(Answer(status=201, text="the certificate", of=UserCertificate),),
        errors=(409,),
    ),
    _route(
        method="GET",
        path="/v1/users",
        name="list_users",
        text="All users, by name. Who holds what `okube up` left is none of them.",
        parameters=PAGES,
        answers=(Answer(text="a page of users", of=list[UserView], headers=PAGE_HEADERS),),
    ),
    _route(
        method="POST",
        path="/v1/users",
        name="create_user",
        text="Make a user. The token is made by who asks, at random, and never sent: the cluster gets its SHA-256. "
        "409 where the name is taken.",
        parameters=(WRITE[0],),
        body=NewUser,
        answers=(Answer(status=201, text="the user", of=UserView),),
        errors=(409,),
    ),
    _route(
        method="GET",
        path="/v1/users/{name}",
        name="get_user",
        text="One user.",
        parameters=(_NAME, STALE),
        answers=(Answer(text="the user", of=UserView, headers=READ_HEADERS),),
        errors=(404,),
    ),
    _route(
        method="PATCH",
        path="/v1/users/{name}",
        name="change_user",
        text="Change what a user may do; what is left out stays, and so do the credentials.",
        parameters=(_NAME, *WRITE),
        body=UserChange,
        answers=(_USER,),
        errors=(404, 409),
    ),
    _route(
        method="POST",
        path="/v1/users/{name}/rotate",
        name="rotate_user",
        text="Give a user other credentials. Those before are worth nothing from then on, and what was open with them "
        "ends.",
        parameters=(_NAME, *WRITE),
        body=UserRotation,
        answers=(_USER,),
        errors=(404, 409),
    ),
    _route(
        method="DELETE",
        path="/v1/users/{name}",
        name="remove_user",
        text="Forget a user. The credentials are worth nothing from then on, and what was open with them ends.",
        parameters=(_NAME, *WRITE),
        answers=(Answer(text="the user as it was", of=UserView),),
        errors=(404, 409),
    ),
)

AUDIT = (
    _audit(
        method="GET",
        path="/v1/audit",
        name="audit",
        text="Who did what, when, from where, and what came of it: each write, each command run in a task, each saved "
        "snapshot, and whatever was refused for want of rights or credentials. Of all managers that answer; each keeps "
        "what it did or refused itself.",
    ),
    _audit(
        method="GET",
        path="/v1/audit/own",
        name="own_audit",
        text="The records of this manager; managers ask each other.",
    ),
)
