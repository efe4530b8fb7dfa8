"""Routes about how nodes are chosen for tasks."""

from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.manager.api.reading import tables_to_read
from okube.manager.api.writing import submit
from okube.manager.core import ManagerCore
from okube.manager.scheduling import policy_in, scheduling_in
from okube.model.commands import PutScheduling
from okube.model.decode import decode
from okube.model.scheduling import Scheduling
from okube.model.scheduling_views import SchedulerView

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/v1/scheduler")
async def get_scheduler(request: web.Request) -> web.Response:
    """The policy and the weights that hold now."""
    await tables_to_read(request)
    return answer(request, _view(request.app[CONTEXT].core))


@routes.put("/v1/scheduler")
@leader_only
async def put_scheduler(request: web.Request) -> web.Response:
    """Another policy, other weights: for tasks that are placed from here on."""
    core = request.app[CONTEXT].core
    wanted = decode(Scheduling, await json_object(request), what="scheduler", ignore=("scores", "unknown"))
    applied = await submit(request, PutScheduling(wanted, by=request[CALLER].name))
    leader = request.app[CONTEXT].leader()
    if leader is not None:
        leader.placing.look_again()  # what waits may fit now
    return answer(request, _view(core), revision=applied.revision)


def _view(core: ManagerCore) -> SchedulerView:
    said = scheduling_in(core.tables)
    policy = policy_in(core.tables, core.extensions)
    return SchedulerView(
        policy=said.policy,
        weights=said.weights,
        overcommit=said.overcommit,
        order=said.order,
        rebalance=said.rebalance,
        scores={term.score.name: term.weight for term in policy.terms},
        unknown=policy.unknown,
    )
