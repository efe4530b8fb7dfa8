"""The routes of the control plane: status, managers, and how this one is."""

from typing import Any

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import NAME, STALE
from okube.model.manager_views import Health, ManagerView, OwnState, Readiness, StatusView
from okube.model.managers import ManagerAddresses, MembersView, NewManager, NextLeader

__all__ = ["CONTROL_PLANE"]

_MANAGER_NAME = Parameter("name", "the manager", NAME, "path")

CONTROL_PLANE = (
    Route(
        method="GET",
        path="/v1/status",
        name="status",
        group="control plane",
        role="viewer",
        scope="any",
        text="The cluster at a glance, from any living manager, with or without a quorum.",
        parameters=(STALE,),
        answers=(Answer(text="the cluster", of=StatusView),),
    ),
    Route(
        method="GET",
        path="/v1/managers",
        name="managers",
        group="control plane",
        role="viewer",
        text="Every manager with what it says of itself; one that does not answer is down.",
        parameters=(STALE,),
        answers=(Answer(text="the managers", of=list[ManagerView]),),
    ),
    Route(
        method="POST",
        path="/v1/managers",
        name="add_manager",
        group="control plane",
        role="admin",
        text="Let a manager join. It learns first, and votes as soon as it has what the others have. "
        "`okube managers add` does this, and makes the new manager's folder from the answer. "
        "409 where its name or address is taken.",
        body=NewManager,
        answers=(Answer(status=201, text="the managers, and the new one's instance", of=MembersView),),
        errors=(409,),
    ),
    Route(
        method="PATCH",
        path="/v1/managers/{name}",
        name="readdress_manager",
        group="control plane",
        role="admin",
        text="Have a manager reached elsewhere. It stays what it is: it hears of it by the log and listens there; what "
        "is left out stays. 409 where an address is another one's.",
        parameters=(_MANAGER_NAME,),
        body=ManagerAddresses,
        answers=(Answer(text="the managers", of=MembersView),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/managers/{name}",
        name="remove_manager",
        group="control plane",
        role="admin",
        text="Have a manager no longer; it hears of it and stops. Where it leads, another one leads first. "
        "409 where those that are left would have no majority.",
        parameters=(_MANAGER_NAME, Parameter("instance", "only this instance of it; if it is gone, that is no error")),
        answers=(Answer(text="the managers that are left", of=MembersView),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/managers/transfer",
        name="transfer_leadership",
        group="control plane",
        role="admin",
        text="Have another manager lead. 409 where it does not answer, 503 where it did not take over in time.",
        body=NextLeader,
        answers=(Answer(text="who leads now", of=NextLeader),),
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/v1/managers/self",
        name="own_state",
        group="control plane",
        role="viewer",
        text="What this manager knows of itself; managers ask each other.",
        answers=(Answer(text="the manager", of=OwnState),),
    ),
    Route(
        method="GET",
        path="/healthz",
        name="healthz",
        group="control plane",
        role="anyone",
        scope="any",
        text="Whether the process lives.",
        answers=(Answer(text="it lives", of=Health, headers=()),),
    ),
    Route(
        method="GET",
        path="/readyz",
        name="readyz",
        group="control plane",
        role="viewer",
        scope="any",
        text="Whether it serves and has caught up: a majority confirms a read within a second, else 503.",
        answers=(Answer(text="it is ready", of=Readiness),),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="openapi",
        group="control plane",
        role="viewer",
        scope="any",
        text="This reference, as OpenAPI 3.1.",
        answers=(Answer(text="the document", of=dict[str, Any], headers=()),),
    ),
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        group="control plane",
        role="viewer",
        text="What this manager counts, as Prometheus reads it.",
        answers=(Answer(text="the metrics", media="text/plain", headers=()),),
    ),
)
