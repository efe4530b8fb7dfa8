"""The table of routes, the part about how nodes are chosen for tasks."""

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import KEY, READ_HEADERS, STALE
from okube.model.scheduling import Scheduling
from okube.model.scheduling_views import SchedulerView

__all__ = ["SCHEDULER"]

SCHEDULER = (
    Route(
        method="GET",
        path="/v1/scheduler",
        name="get_scheduler",
        group="scheduler",
        role="viewer",
        text="How nodes are chosen for tasks: the policy, and what its scores weigh.",
        parameters=(STALE,),
        answers=(Answer(text="the policy", of=SchedulerView, headers=READ_HEADERS),),
    ),
    Route(
        method="PUT",
        path="/v1/scheduler",
        name="put_scheduler",
        group="scheduler",
        role="admin",
        text="Choose nodes by another policy or with other weights, for tasks that are placed from here on; what runs "
        "stays where it is. Weights that are left out are the policy's own.",
        parameters=(KEY,),
        body=Scheduling,
        answers=(Answer(text="the policy", of=SchedulerView),),
    ),
)
