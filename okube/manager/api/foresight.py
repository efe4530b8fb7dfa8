"""Routes about what would happen: they try it on tables of their own, in slices, and change nothing."""

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object, query_flag
from okube.manager.api.context import CONTEXT
from okube.manager.api.forward import leader_read
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of
from okube.manager.api.services import check_specs, specs_in
from okube.manager.planning import plan_view
from okube.manager.rehearsal import Surroundings
from okube.manager.scheduling import policy_in
from okube.manager.slices import in_turns
from okube.model.foresight_views import PlanView
from okube.state import Tables

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.post("/v1/plan")
@leader_read
async def plan(request: web.Request) -> web.Response:
    """What applying services would do; a stale answer knows of no round trips between nodes."""
    specs = specs_in(await json_object(request))
    prune = query_flag(request, "prune")
    tables = await tables_to_read(request)
    check_specs(request, tables, specs)
    around, now_ms = _surroundings(request, tables), request.app[CONTEXT].core.clock.time_ms()
    view = await in_turns(plan_view(tables, specs, now_ms, around, prune=prune, within=apps_of(request)))
    return answer(request, _in_sight(request, view), revision=view.revision)


def _in_sight(request: web.Request, view: PlanView) -> PlanView:
    """Without the tasks of apps that the caller has not."""
    apps = apps_of(request)
    if not apps:
        return view
    return msgspec.structs.replace(view, others=[task for task in view.others if task.app in apps])


def _surroundings(request: web.Request, tables: Tables) -> Surroundings:
    """What this manager decides by: where it does not lead, nothing that was measured."""
    context = request.app[CONTEXT]
    leader, extensions = context.leader(), context.core.extensions
    return Surroundings(
        policy=policy_in(tables, extensions),
        filters=extensions.filters,
        survey=None if leader is None else leader.survey,
        unsure={} if leader is None else leader.liveness.unsure(),
    )
