"""The table of routes, the part about machines that join."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import KEY, NAME, READ_HEADERS, STALE
from okube.model.jointoken import JoinAnswer, JoinAuthority, JoinRequest, JoinTokenView, NewJoinToken

__all__ = ["JOINING"]

JOINING = (
    Route(
        method="GET",
        path="/v1/tokens",
        name="list_tokens",
        group="joining",
        role="admin",
        text="The join tokens, without their secrets; those that ended stay for a day.",
        parameters=(STALE,),
        answers=(Answer(text="the tokens", of=list[JoinTokenView], headers=READ_HEADERS),),
    ),
    Route(
        method="POST",
        path="/v1/tokens",
        name="create_token",
        group="joining",
        role="admin",
        text="Make a join token. Whoever asks draws the secret and sends its hash alone, so that the secret is in no "
        "log and no snapshot; `okube token create` does it, and prints `okube-ID.SECRET.FINGERPRINT.ROLE`. 409 where "
        "there are too many.",
        parameters=(KEY,),
        body=NewJoinToken,
        answers=(Answer(status=201, text="the token, without its secret", of=JoinTokenView),),
        errors=(409,),
    ),
    Route(
        method="DELETE",
        path="/v1/tokens/{id}",
        name="revoke_token",
        group="joining",
        role="admin",
        text="A join token lets nobody in any more. Machines that joined with it stay.",
        parameters=(Parameter("id", "the token", NAME, "path"), KEY),
        answers=(Answer(text="the token as it was", of=JoinTokenView),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/v1/join",
        name="join_authority",
        group="joining",
        text="The certificates of the cluster's CA, which are public. A machine that has a token compares them with "
        "its fingerprint before it says anything.",
        role="anyone",
        scope="any",
        answers=(Answer(text="the certificates", of=JoinAuthority, headers=()),),
    ),
    Route(
        method="POST",
        path="/v1/join",
        name="join",
        group="joining",
        text="A machine shows a join token and gets its certificate; `okube join` does this. The same instance may "
        "repeat itself and uses the token once. 401 where the token is none or has ended, 409 where its name, address "
        "or machine-id is taken.",
        role="anyone",
        scope="any",
        body=JoinRequest,
        answers=(Answer(text="what it needs to take part", of=JoinAnswer),),
        errors=(401, 409),
    ),
)
