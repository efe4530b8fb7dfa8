"""The routes of nodes, of what is used of them, and of what happened."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import (
    FLAG,
    LABEL,
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
from okube.model.event import EVENT_KINDS, EVENT_LEVELS
from okube.model.node_views import NodeChange, NodeView, UsageView
from okube.model.views import EventView

__all__ = ["EVENTS", "NODES", "USAGE"]

NODES = (
    Route(
        method="GET",
        path="/v1/nodes",
        name="list_nodes",
        group="nodes",
        role="viewer",
        text="All nodes, by name.",
        parameters=(
            Parameter("state", "those that are", one_of("ready", "down")),
            Parameter("region", "those of a region"),
            Parameter("zone", "those of a zone"),
            Parameter("rack", "those of a rack"),
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
        text="Change availability (`draining` empties the node), labels, region, zone, rack, the named resources "
        "it offers, or address (`host:port`, where managers reach the agent, which listens there once it hears of "
        "it); what is left out stays.",
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

EVENTS = (
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

USAGE = (
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
