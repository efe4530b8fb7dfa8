"""Routes about what would happen: they try it on tables of their own, in slices, and change nothing."""

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object, query_flag, query_number
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only, leader_read, thinking
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of, check_app
from okube.manager.api.services import check_specs, specs_in
from okube.manager.api.status import manager_states
from okube.manager.api.writing import result_of, submit
from okube.manager.losses import loss_of
from okube.manager.netcost import net_cost_view
from okube.manager.planning import plan_view
from okube.manager.rebalancing import MOST_MOVES, moving, rebalance_view
from okube.manager.rehearsal import Surroundings
from okube.manager.scheduling import policy_in
from okube.manager.slices import in_turns
from okube.manager.whatif import machines_of, whatif_view
from okube.model.decode import decode
from okube.model.errors import FieldError, InvalidInput
from okube.model.foresight_views import PlanView, WhatIfBody
from okube.state import Tables

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.post("/v1/plan")
@leader_read
@thinking
async def plan(request: web.Request) -> web.Response:
    """What applying services would do; a stale answer knows of no round trips between nodes."""
    specs = specs_in(await json_object(request))
    prune = query_flag(request, "prune")
    tables = await tables_to_read(request)
    check_specs(request, tables, specs)
    around, now_ms = _surroundings(request, tables), request.app[CONTEXT].core.clock.time_ms()
    by, within = request[CALLER].name, apps_of(request)
    view = await in_turns(plan_view(tables, specs, now_ms, around, prune=prune, within=within, by=by))
    return answer(request, _in_sight(request, view), revision=view.revision)


@routes.post("/v1/whatif")
@leader_read
@thinking
async def whatif(request: web.Request) -> web.Response:
    """What would become of the cluster without some nodes, or with more; a stale answer knows of no round trips."""
    body = await json_object(request)
    services = body.pop("services", None)
    specs = specs_in({"services": services}) if services else ()
    question = decode(WhatIfBody, body, what="what is asked")
    if not (question.lose or question.add or specs):
        message = "names nothing that is lost: name a node or zone:NAME, or say what is added or applied"
        raise InvalidInput.of([FieldError("lose", message)], what="what is asked")
    tables, core = await tables_to_read(request), request.app[CONTEXT].core
    loss, machines = loss_of(tables, core.raft.members, question.lose), machines_of(tables, question.add)
    around, members = _surroundings(request, tables), core.raft.members
    down = [member.name for member, said in await manager_states(request.app[CONTEXT]) if said is None]
    work = whatif_view(tables, loss, machines, specs, members, core.clock.time_ms(), around, down)
    view = await in_turns(work)
    return answer(request, view, revision=view.revision)


@routes.post("/v1/rebalance")
@leader_only
@thinking
async def rebalance(request: web.Request) -> web.Response:
    """Move tasks where that makes the placement better; with ``dry_run`` only say so."""
    most = query_number(request, "max_moves", default=MOST_MOVES, low=1, high=MOST_MOVES)
    dry = query_flag(request, "dry_run")
    core = request.app[CONTEXT].core
    await core.read_barrier()
    around, app = _surroundings(request, core.tables), request.query.get("app")
    view = await in_turns(rebalance_view(core.tables, core.clock.time_ms(), around, most=most, app=app))
    if dry or not view.moves:
        return answer(request, view, revision=view.revision)
    applied = await submit(request, moving(view.moves, request[CALLER].name))
    marked = set(result_of(applied))
    told = [move for move in view.moves if move.id in marked]
    return answer(request, msgspec.structs.replace(view, done=True, moves=told), revision=applied.revision)


@routes.get("/v1/apps/{name}/cost")
@leader_read
@thinking
async def app_cost(request: web.Request) -> web.Response:
    """What an app's placement costs in the network; a stale answer knows of no measured round trips."""
    tables = await tables_to_read(request)
    name = request.match_info["name"]
    check_app(request, name, f"app {name}")
    around, now_ms = _surroundings(request, tables), request.app[CONTEXT].core.clock.time_ms()
    view = await in_turns(net_cost_view(tables, name, now_ms, around, alone=bool(apps_of(request))))
    return answer(request, view, revision=view.revision)


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
    if leader is not None:
        return leader.surroundings()
    return Surroundings(policy=policy_in(tables, extensions), filters=extensions.filters)
