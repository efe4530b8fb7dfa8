"""The table of routes: everything that a manager answers, once, for the reference, for checks and for metrics."""

from typing import Any

from okube.manager.api.authority_routes import AUTHORITY
from okube.manager.api.join_routes import JOINING
from okube.manager.api.keyring_routes import KEYRING, PEER_KEYS
from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import (
    AGENT,
    FLAG,
    LABEL,
    NAME,
    NODE_NAME,
    PAGE_HEADERS,
    PAGES,
    READ_HEADERS,
    SINCE,
    STALE,
    WATCH,
    WATCHED,
    WATCHES,
    WRITE,
    one_of,
)
from okube.manager.api.secret_routes import SECRETS
from okube.manager.api.snapshot_routes import RECOVERY, SNAPSHOTS
from okube.manager.api.user_routes import AUDIT, USERS
from okube.manager.api.workload_routes import APPS, SERVICES, TASKS
from okube.model.event import EVENT_KINDS, EVENT_LEVELS
from okube.model.manager_views import Health, ManagerView, OwnState, Readiness, StatusView
from okube.model.managers import ManagerAddresses, MembersView, NewManager, NextLeader
from okube.model.node_views import NodeChange, NodeView, UsageView
from okube.model.views import EventView

__all__ = ["ROUTES", "route_of"]

_MANAGER_NAME = Parameter("name", "the manager", NAME, "path")
_NODES = (
    Route(
        method="GET",
        path="/v1/nodes",
        name="list_nodes",
        group="nodes",
        role="viewer",
        text="All nodes, by name.",
        parameters=(
            Parameter("state", "those that are", one_of("ready", "down")),
            Parameter("zone", "those of a zone"),
            Parameter("availability", "those that are", one_of("active", "cordoned", "draining", "drained")),
            LABEL,
            *WATCHES,
            *PAGES,
        ),
        answers=(Answer(text="a page of nodes", of=list[NodeView], headers=PAGE_HEADERS), WATCHED),
        errors=(410,),
    ),
    Route(
        method="GET",
        path="/v1/nodes/{name}",
        name="get_node",
        group="nodes",
        role="viewer",
        text="One node.",
        parameters=(NODE_NAME, STALE),
        answers=(Answer(text="the node", of=NodeView, headers=READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path="/v1/nodes/{name}",
        name="change_node",
        group="nodes",
        role="operator",
        text="Change availability (`draining` empties the node), labels, zone or address (`host:port`, where managers "
        "reach the agent, which listens there as soon as it hears of it); what is left out stays.",
        parameters=(NODE_NAME, *WRITE),
        body=NodeChange,
        answers=(Answer(text="the node", of=NodeView),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/nodes/{name}",
        name="remove_node",
        group="nodes",
        role="admin",
        text="Forget a node that is down. With `bar` also one that is up: whoever has its certificate is not let in "
        "any more.",
        parameters=(NODE_NAME, Parameter("bar", "its machine is not trusted any more", FLAG), *WRITE),
        answers=(Answer(text="the node as it was", of=NodeView),),
        errors=(404, 409),
    ),
)

_EVENTS = (
    Route(
        method="GET",
        path="/v1/events",
        name="list_events",
        group="events",
        role="viewer",
        scope="app",
        text="What happened, the newest last. What happens again within an hour is one event, counted.",
        parameters=(
            Parameter("kind", "those of a kind; several: of any", one_of(*sorted(EVENT_KINDS)), repeated=True),
            Parameter("level", "those of a level; several: of any", one_of(*sorted(EVENT_LEVELS)), repeated=True),
            Parameter("service", "those about a service and its tasks"),
            Parameter("node", "those about a node and what is on it"),
            Parameter("subject", "those about the thing of that name"),
            SINCE,
            WATCH,
            *PAGES,
        ),
        answers=(Answer(text="a page of events", of=list[EventView], headers=PAGE_HEADERS), WATCHED),
        errors=(410,),
    ),
)

_USAGE = (
    Route(
        method="GET",
        path="/v1/usage",
        name="usage",
        group="usage",
        role="viewer",
        scope="app",
        text="What nodes and their tasks use now, asked of the agents; takes a second at most.",
        parameters=(
            Parameter("service", "the tasks of a service, and their nodes"),
            Parameter("node", "one node and its tasks"),
            STALE,
        ),
        answers=(Answer(text="the usage", of=UsageView, headers=READ_HEADERS),),
        errors=(404,),
    ),
)

_CONTROL_PLANE = (
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

_AGENTS = (
    Route(
        method="POST",
        path="/v1/agents/{node}/register",
        name="register",
        group="agents",
        role="worker",
        text="An agent asks to be let in. Bodies are msgpack; `okube/model/wire.py` has their structs.",
        parameters=(AGENT,),
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="whether it is", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/agents/{node}/heartbeat",
        name="heartbeat",
        group="agents",
        role="worker",
        text="A sign of life with reports on tasks; answered once these are committed.",
        parameters=(AGENT,),
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the epoch to obey", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/agents/{node}/certificate",
        name="agent_certificate",
        group="agents",
        text="A node's agent renews its certificate: it sends a request for a new key, and gets what the CA signs. "
        "409 where the leader does not have the CA's key.",
        role="worker",
        parameters=(AGENT,),
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the certificate", media="application/msgpack", headers=()),),
        errors=(404, 409),
    ),
)

_AGENTS_VALUES = tuple(
    Route(
        method="GET",
        path=f"/v1/agents/{{node}}/{kind}s/{{name}}/{{version}}",
        name=f"{kind}_for_agent",
        group="agents",
        text=f"The value of a {kind}, for an agent with a task that is given this version of it; 404 for any other. "
        "409 where this manager is locked.",
        role="worker",
        parameters=(
            AGENT,
            Parameter("name", f"the {kind}", NAME, "path"),
            Parameter("version", "which of its values", {"type": "integer", "minimum": 1}, "path"),
        ),
        answers=(Answer(text="the value, byte for byte", media="application/octet-stream", headers=()),),
        errors=(404, 409),
    )
    for kind in ("secret", "config")
)

_PEERS = (
    Route(
        method="POST",
        path="/v1/peers/reach",
        name="reach",
        group="managers",
        role="manager",
        text="The leader asks another manager whether it reaches agents that are silent. Bodies are msgpack.",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="which it reached", media="application/msgpack", headers=()),),
    ),
    Route(
        method="POST",
        path="/v1/peers/relay",
        name="relay",
        group="managers",
        role="manager",
        text="The leader has another manager pass an assignment on to an agent that it does not reach itself.",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="what the agent answered", media="application/msgpack", headers=()),),
        errors=(502,),
    ),
    Route(
        method="POST",
        path="/v1/peers/authorities",
        name="hand_in_authority",
        group="managers",
        text="A manager that has the CA on its machine hands it to the leader, sealed, where the state holds none yet.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the same", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/peers/papers",
        name="manager_papers",
        group="managers",
        text="A manager tells the leader what it shows: by which CA its certificate is, and when that ends.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the same", media="application/msgpack", headers=()),),
    ),
    Route(
        method="POST",
        path="/v1/peers/certificate",
        name="manager_certificate",
        group="managers",
        text="A manager renews its certificate at the leader. 409 where that one does not have the CA's key.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the certificate", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
)

ROUTES: tuple[Route, ...] = (
    *SERVICES,
    *APPS,
    *TASKS,
    *_NODES,
    *SECRETS,
    *KEYRING,
    *_EVENTS,
    *_USAGE,
    *USERS,
    *AUDIT,
    *_CONTROL_PLANE,
    *AUTHORITY,
    *SNAPSHOTS,
    *RECOVERY,
    *JOINING,
    *_AGENTS,
    *_AGENTS_VALUES,
    *_PEERS,
    *PEER_KEYS,
)

_BY_PLACE: dict[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}


def route_of(method: str, path: str) -> Route | None:
    """The route of a method and a path as the table writes it (``/v1/services/{name}``)."""
    return _BY_PLACE.get(("GET" if method == "HEAD" else method, path))
