"""The table of routes, the part about the cluster's CAs and certificates."""

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import KEY, STALE, in_msgpack
from okube.model.authority import CaOrder, CaView

__all__ = ["AUTHORITY"]

AUTHORITY = (
    Route(
        method="GET",
        path="/v1/cluster/ca",
        name="show_authorities",
        group="control plane",
        role="viewer",
        scope="any",
        text="Which CAs are believed, which of them signs, and how far a change is. Their certificates are what a "
        "client has to trust.",
        parameters=(STALE,),
        answers=(Answer(text="the CAs", of=CaView),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/cluster/ca",
        name="change_authority",
        group="control plane",
        role="admin",
        text="Have another CA take the place of the cluster's, step by step; nothing is restarted, and nobody is shut "
        "out before the last step. 409 where the step cannot be taken now.",
        parameters=(KEY,),
        body=CaOrder,
        answers=(Answer(text="the CAs", of=CaView),),
        errors=(409,),
    ),
    in_msgpack(
        path="/v1/renew",
        name="renew_expired",
        group="control plane",
        role="anyone",
        text="An agent or a manager that was away until its certificate had ended gets the next one: it shows the old "
        "one, and signs the request with its key. 403 where it takes no part any more. The body is msgpack.",
        answer="the certificate",
        errors=(401, 403, 404, 409),
    ),
)
