"""The table of routes, the part about users."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import NAME, PAGE_HEADERS, PAGES, READ_HEADERS, STALE, WRITE
from okube.model.user import CallerView, NewUser, UserChange, UserRotation, UserView

__all__ = ["USERS"]

_USER = Parameter("name", "the user", NAME, "path")

USERS = (
    Route(
        method="GET",
        path="/v1/self",
        name="who_am_i",
        group="users",
        role="viewer",
        scope="any",
        text="Who you are to the cluster, and what you may do.",
        answers=(Answer(text="the caller", of=CallerView),),
    ),
    Route(
        method="GET",
        path="/v1/users",
        name="list_users",
        group="users",
        role="admin",
        text="All users, by name. Who holds what `okube up` left is none of them.",
        parameters=PAGES,
        answers=(Answer(text="a page of users", of=list[UserView], headers=PAGE_HEADERS),),
    ),
    Route(
        method="POST",
        path="/v1/users",
        name="create_user",
        group="users",
        role="admin",
        text="Make a user. The token is made by who asks, at random, and never sent: the cluster gets its SHA-256. "
        "409 where the name is taken.",
        parameters=(WRITE[0],),
        body=NewUser,
        answers=(Answer(status=201, text="the user", of=UserView),),
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/v1/users/{name}",
        name="get_user",
        group="users",
        role="admin",
        text="One user.",
        parameters=(_USER, STALE),
        answers=(Answer(text="the user", of=UserView, headers=READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path="/v1/users/{name}",
        name="change_user",
        group="users",
        role="admin",
        text="Change what a user may do; what is left out stays, and so do the credentials.",
        parameters=(_USER, *WRITE),
        body=UserChange,
        answers=(Answer(text="the user", of=UserView),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/users/{name}/rotate",
        name="rotate_user",
        group="users",
        role="admin",
        text="Give a user other credentials. Those before are worth nothing from then on, and what was open with them "
        "ends.",
        parameters=(_USER, *WRITE),
        body=UserRotation,
        answers=(Answer(text="the user", of=UserView),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/users/{name}",
        name="remove_user",
        group="users",
        role="admin",
        text="Forget a user. The credentials are worth nothing from then on, and what was open with them ends.",
        parameters=(_USER, *WRITE),
        answers=(Answer(text="the user as it was", of=UserView),),
        errors=(404, 409),
    ),
)
