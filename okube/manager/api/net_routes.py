"""The table of routes, the part about the network between nodes."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import KEY, READ_HEADERS, STALE
from okube.model.net_views import LinksView, NetView
from okube.model.topology import DeclaredTopology

__all__ = ["NET"]

NET = (
    Route(
        method="GET",
        path="/v1/net",
        name="net",
        group="net",
        role="viewer",
        text="Round trips between zones and between nodes, in seconds, as agents measure them, and what the links of "
        "nodes do. The leader knows them: a stale answer has none.",
        parameters=(Parameter("node", "also from this node to each other"), STALE),
        answers=(Answer(text="the network", of=NetView, headers=READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/v1/net/links",
        name="net_links",
        group="net",
        role="viewer",
        text="The links of nodes, and those that are declared between and within regions, zones and racks: what each "
        "carries, and what tasks have reserved of it by `min_bandwidth`, in bit/s. The leader knows how fast the links "
        "of nodes are, and what goes over them: a stale answer does not.",
        parameters=(STALE,),
        answers=(Answer(text="the links", of=LinksView, headers=READ_HEADERS),),
    ),
    Route(
        method="GET",
        path="/v1/net/topology",
        name="get_topology",
        group="net",
        role="viewer",
        text="What is declared of the network, as `topology` of cluster.yaml: round trips in seconds and bandwidths in "
        "bit/s, within and between regions, zones and racks. What was measured counts before it.",
        parameters=(STALE,),
        answers=(Answer(text="what is declared", of=DeclaredTopology, headers=READ_HEADERS),),
    ),
    Route(
        method="PUT",
        path="/v1/net/topology",
        name="put_topology",
        group="net",
        role="admin",
        text="Declare this of the network from here on, instead of what was declared before.",
        parameters=(KEY,),
        body=DeclaredTopology,
        answers=(Answer(text="what is declared", of=DeclaredTopology),),
    ),
)
