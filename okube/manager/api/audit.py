"""What goes into the audit log, and the routes that read it.

A request is noted by the manager that carries it out or refuses it, once: not by one that passes it on. Reads are not
noted, but for those that show everything or reach into a task.
"""

import asyncio

import aiohttp
import msgspec
from aiohttp import web

from okube.manager.api.admission import known_route
from okube.manager.api.bodies import answer, query_number
from okube.manager.api.context import CALLER, CONTEXT, PASSED_ON, PROBLEM, SUBJECT, Context
from okube.manager.api.relay import client_address
from okube.manager.api.route import Route
from okube.model.audit import AuditAnswer, AuditRecord, Result
from okube.model.errors import UNREADABLE
from okube.model.quantities import rfc3339
from okube.raft import Member
from okube.security import server_name

__all__ = ["MAX_RECORDS", "note_in_audit", "routes"]

routes = web.RouteTableDef()
MAX_RECORDS = 10_000
_MAX_PATH = 300
_MAX_DETAIL = 300
_MAX_MS = 253_402_300_799_999  # up to the year 9999
_PEER_TIMEOUT_S = 3.0
_answers = msgspec.json.Decoder(AuditAnswer)


async def note_in_audit(request: web.Request, response: web.StreamResponse) -> None:
    """An answer begins: note what was done, or refused."""
    status = response.status
    route = known_route(request)
    if request.get(PASSED_ON) and status not in (503, 504):
        return
    caller = request.get(CALLER)
    refused = status in (401, 403) or (status == 429 and caller is None)
    if not refused and not _is_noted(request, route):
        return
    context = request.app[CONTEXT]
    problem = request.get(PROBLEM)
    context.audit.note(
        AuditRecord(
            time=rfc3339(context.core.clock.time_ms()) or "",
            manager=context.core.name,
            who="" if caller is None else caller.name,
            role="" if caller is None else caller.role or caller.kind,
            address=client_address(request),
            method=request.method,
            path=request.path[:_MAX_PATH],
            action="" if route is None else route.name,
            result="refused" if refused else _result(status),
            status=status,
            subject=request.get(SUBJECT, ""),
            detail="" if problem is None else problem.detail[:_MAX_DETAIL],
            revision=_revision(response),
        )
    )


def _is_noted(request: web.Request, route: Route | None) -> bool:
    caller = request.get(CALLER)
    if route is None or not route.is_noted:
        return False
    if caller is None:
        return route.role == "anyone"  # a machine that joins
    if not caller.is_person:
        return False
    return request.query.get("dry_run") not in ("true", "1")


def _result(status: int) -> Result:
    if status < 400:
        return "done"
    return "unknown" if status == 504 else "failed"


def _revision(response: web.StreamResponse) -> int:
    text = response.headers.get("Okube-Revision", "")
    return int(text) if text.isdigit() else 0


@routes.get("/v1/audit")
async def audit(request: web.Request) -> web.Response:
    """The records of all managers, the oldest first."""
    context = request.app[CONTEXT]
    members = sorted(context.core.raft.members, key=lambda member: member.name)
    found = await asyncio.gather(*(_of(request, context, member) for member in members))
    records = [record for records in found if records is not None for record in records]
    records.sort(key=lambda record: record.time)
    silent = [member.name for member, records in zip(members, found, strict=True) if records is None]
    return answer(request, AuditAnswer(records=records[-_limit(request) :], silent=silent))


@routes.get("/v1/audit/own")
async def own_audit(request: web.Request) -> web.Response:
    """The records of this manager; managers ask each other."""
    return answer(request, AuditAnswer(records=await _own(request)))


async def _own(request: web.Request) -> list[AuditRecord]:
    user, result, action = (request.query.get(name) for name in ("user", "result", "action"))

    def wanted(record: AuditRecord) -> bool:
        return user in (None, record.who) and result in (None, record.result) and action in (None, record.action)

    since_ms = query_number(request, "since", default=0, low=0, high=_MAX_MS)
    since = rfc3339(since_ms) or ""
    return await request.app[CONTEXT].audit.read(wanted, limit=_limit(request), since=since)


def _limit(request: web.Request) -> int:
    return query_number(request, "limit", default=1000, low=1, high=MAX_RECORDS)


async def _of(request: web.Request, context: Context, member: Member) -> list[AuditRecord] | None:
    if member.name == context.core.name:
        return await _own(request)
    try:
        async with context.peers.get(
            f"https://{member.api_address}/v1/audit/own",
            params=list(request.query.items()),
            timeout=aiohttp.ClientTimeout(total=_PEER_TIMEOUT_S, sock_connect=0.5),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
        ) as response:
            if response.status == 200:
                return _answers.decode(await response.read()).records
    except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
        pass
    return None
