"""The table of routes, the part about what would happen."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import APP_NAME, FLAG, KEY, READ_HEADERS, STALE, number
from okube.model.foresight_views import NetCostView, PlanView, RebalanceView, WhatIfBody, WhatIfView
from okube.model.workload_views import ApplyBody

__all__ = ["FORESIGHT"]

FORESIGHT = (
    Route(
        method="POST",
        path="/v1/plan",
        name="plan",
        group="foresight",
        role="operator",
        scope="app",
        asks=True,
        text="What applying services would do, as far as their tasks' places are concerned, and that nothing is done: "
        "each task that would begin, move, be replaced or stop, with the node and the reason; those that would find no "
        "place, and why; and tasks of other services that would give way. What is under way counts as done.",
        parameters=(Parameter("prune", "as for `apply`", FLAG), STALE),
        body=ApplyBody,
        answers=(Answer(text="what would happen", of=PlanView, headers=READ_HEADERS),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/whatif",
        name="whatif",
        group="foresight",
        role="operator",
        asks=True,
        text="What would become of the cluster if nodes, zones or managers were lost, machines came or services were "
        "applied, all at once; nothing is done. Which tasks would go where, which would find no place and why, whether "
        "the managers would still have a quorum, which services would have fewer tasks that serve, and which limits "
        "of `depends_on` would not be kept any more.",
        parameters=(STALE,),
        body=WhatIfBody,
        answers=(Answer(text="what would become of it", of=WhatIfView, headers=READ_HEADERS),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/rebalance",
        name="rebalance",
        group="foresight",
        role="operator",
        text="Move tasks where that makes the placement better by the policy in force: by more than a threshold each, "
        "so that nothing goes back and forth. One slot of a service moves at a time, as in an update; what has not "
        "moved within an hour stays. With `dry_run` it is shown and not done.",
        parameters=(
            Parameter("dry_run", "change nothing and answer what would move", FLAG),
            Parameter("max_moves", "how many moves at most, those that gain most", number(1, 1000, default=1000)),
            Parameter("app", "move only the tasks of this app"),
            KEY,
        ),
        answers=(Answer(text="the moves, and the balance before and after", of=RebalanceView),),
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/v1/apps/{name}/cost",
        name="app_cost",
        group="foresight",
        role="viewer",
        scope="app",
        text="What the placement of an app costs in the network, dependency by dependency: traffic times round trip; "
        "what the best placement that was found would cost, within all constraints and room; and the moves to it.",
        parameters=(APP_NAME, STALE),
        answers=(Answer(text="the costs", of=NetCostView, headers=READ_HEADERS),),
        errors=(404,),
    ),
)
