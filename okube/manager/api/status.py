"""Routes about the control plane itself: status, managers, health."""

import asyncio
import contextlib
from collections.abc import Iterable

import aiohttp
import msgspec
from aiohttp import web

from okube import __version__
from okube.manager.api.bodies import answer
from okube.manager.api.context import CONTEXT, FORWARDED, Context
from okube.manager.api.forward import own
from okube.manager.api.relay import relay
from okube.manager.scheduling import scheduling_in
from okube.model.errors import UNREADABLE, NoQuorum, OutcomeUnknown
from okube.model.manager_views import (
    CertificateEnd,
    CertificatesView,
    Health,
    ManagerView,
    OwnState,
    Readiness,
    StatusView,
)
from okube.model.quantities import rfc3339
from okube.model.versions import COMMAND_VERSION
from okube.raft import Member
from okube.security import server_name
from okube.state.queries import count_nodes, count_tasks

__all__ = ["manager_states", "routes"]

routes = web.RouteTableDef()
_PEER_TIMEOUT_S = 0.5
_own_states = msgspec.json.Decoder(OwnState)


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """Alive."""
    del request
    return web.Response(body=msgspec.json.encode(Health()), content_type="application/json")


@routes.get("/readyz")
@own
async def readyz(request: web.Request) -> web.Response:
    """Serving and caught up: a majority confirms a read within a second."""
    core = request.app[CONTEXT].core
    if core.raft.is_sidelined:
        raise NoQuorum(f"the disk of {core.name} is full: it takes no part until there is room, and passes requests on")
    await core.read_barrier(timeout_s=1.0)
    return answer(request, Readiness())


@routes.get("/v1/status")
async def status(request: web.Request) -> web.Response:
    """The cluster at a glance, from any living manager, with or without a quorum."""
    context = request.app[CONTEXT]
    core = context.core
    states = await manager_states(context)
    tables = core.tables
    has_quorum = core.raft.has_quorum and core.raft.leader is not None
    if not has_quorum and not request[FORWARDED] and any(said.leader for _, said in states if said is not None):
        with contextlib.suppress(NoQuorum, OutcomeUnknown):  # another one hears a leader, so it knows better
            return await relay(request, None, timeout_s=2 * _PEER_TIMEOUT_S)
    managers = _views(states)
    leader = next((m.name for m in managers if m.role == "leader"), None)
    return answer(
        request,
        StatusView(
            cluster=tables.settings.cluster or core.settings.cluster,
            cluster_id=core.settings.cluster_id,
            leader=leader if has_quorum else None,
            epoch=str(core.epoch),
            revision=tables.revision,
            quorum=has_quorum,
            age_s=None if core.age_s is None else round(core.age_s, 1),
            answered_by=core.name,
            managers=tuple(managers),
            nodes=count_nodes(tables),
            tasks=count_tasks(tables),
            command_version=tables.settings.command_version,
            scheduler=scheduling_in(tables),
            certificates=CertificatesView(
                ca_ends=rfc3339(core.authority.ends_ms), next_end=_next_end(said for _, said in states)
            ),
        ),
    )


@routes.get("/v1/managers")
async def managers(request: web.Request) -> web.Response:
    """Every manager with what it says of itself; one that does not answer is down."""
    return answer(request, _views(await manager_states(request.app[CONTEXT])))


@routes.get("/v1/managers/self")
async def own_state(request: web.Request) -> web.Response:
    """What this manager knows of itself; managers ask each other."""
    return answer(request, _own_state(request.app[CONTEXT]))


def _own_state(context: Context) -> OwnState:
    core = context.core
    tables = core.tables
    role = "leader" if core.leads else core.raft.role if core.raft.role != "leader" else "candidate"
    if not core.raft.votes:
        role = "learner"
    papers = context.papers()
    return OwnState(
        name=core.name,
        role=role,  # type: ignore[arg-type]  # Raft's roles have these names
        state="disk-full" if core.raft.is_sidelined else "ready",
        epoch=str(core.epoch),
        revision=tables.revision,
        digest=tables.digest.hex(),
        index=core.raft.applied_index,
        command_version=COMMAND_VERSION,
        software=__version__,
        leader=core.raft.leader if core.raft.has_quorum else None,
        locked=tables.ring is not None and core.vault.locked,
        certificate_ends=None if papers is None else rfc3339(papers.ends_ms),
        next_end=_next_end_of_nodes(context),
    )


def _next_end(states: Iterable[OwnState | None]) -> CertificateEnd | None:
    """Whose certificate ends first, of all managers and, as the leader knows them, of all nodes."""
    said = [each for each in states if each is not None]
    ends = [CertificateEnd(each.name, each.certificate_ends) for each in said if each.certificate_ends]
    ends += [each.next_end for each in said if each.next_end is not None]
    return min(ends, key=lambda end: end.ends, default=None)


def _next_end_of_nodes(context: Context) -> CertificateEnd | None:
    leader = context.leader()
    known = {} if leader is None else leader.papers.nodes
    ends = [(known[name].ends_ms, name) for name in context.core.tables.nodes if name in known]
    if not ends:
        return None
    end_ms, name = min(ends)
    return CertificateEnd(name, rfc3339(end_ms) or "")


async def manager_states(context: Context) -> list[tuple[Member, OwnState | None]]:
    """Every manager by name with what it says of itself just now; None for one that does not answer."""
    members = sorted(context.core.raft.members, key=lambda member: member.name)
    said = await asyncio.gather(*(_state_of(context, member) for member in members))
    return list(zip(members, said, strict=True))


def _views(states: list[tuple[Member, OwnState | None]]) -> list[ManagerView]:
    newest = max(said.revision for _, said in states if said is not None)
    return [_view(member, said, newest) for member, said in states]


def _view(member: Member, said: OwnState | None, newest: int) -> ManagerView:
    if said is None:
        return ManagerView(
            name=member.name,
            instance=member.instance,
            address=member.api_address,
            raft_address=member.raft_address,
            voter=member.voter,
            role="unknown",
            state="down",
            epoch=None,
            revision=None,
            digest=None,
            lag=None,
        )
    return ManagerView(
        name=member.name,
        instance=member.instance,
        address=member.api_address,
        raft_address=member.raft_address,
        voter=member.voter,
        role=said.role,
        state=said.state,
        epoch=said.epoch,
        revision=said.revision,
        digest=said.digest,
        index=said.index,
        lag=newest - said.revision,
        command_version=said.command_version,
        software=said.software or None,
        locked=said.locked,
        certificate_ends=said.certificate_ends,
    )


async def _state_of(context: Context, member: Member) -> OwnState | None:
    """What a manager says of itself; None where it does not answer."""
    if member.name == context.core.name:
        return _own_state(context)
    try:
        async with context.peers.get(
            f"https://{member.api_address}/v1/managers/self",
            timeout=aiohttp.ClientTimeout(total=_PEER_TIMEOUT_S),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
        ) as response:
            if response.status == 200:
                return _own_states.decode(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
        pass
    return None
