"""A manager that hears no leader asks another to carry a request out: the link to the leader may be all it lacks.

One such step at most: who is asked this way passes the request to the leader or refuses it, and relays no further.
"""

import aiohttp
from aiohttp import web

from okube.manager.api.admission import address_of
from okube.manager.api.context import CALLER, CONTEXT, FORWARDED, PASSED_ON, Context
from okube.model.errors import NoQuorum, OutcomeUnknown
from okube.raft import Member
from okube.seams.plainly import plainly
from okube.security import server_name

__all__ = [
    "CLIENT_ADDRESS",
    "DEAF_S",
    "FORWARDED_FOR",
    "FORWARDED_INSTANCE",
    "RELAYED",
    "ask",
    "client_address",
    "is_deaf",
    "relay",
]

DEAF_S = 1.0
"""Who has heard no leader for so long asks the others: an election would be over."""
FORWARDED_FOR = "Okube-Forwarded-For"
"""``Caller.forwarded_for`` of who asks, set by a manager that passes a request on; believed from managers alone."""
FORWARDED_INSTANCE = "Okube-Forwarded-Instance"
"""Beside it, the instance that an agent's certificate names; an earlier Okube does not look for it."""
CLIENT_ADDRESS = "Okube-Client-Address"
"""Beside it, where the caller is: for the audit log."""
RELAYED = "Okube-Relayed"
"""Set beside it where the receiver need not lead, but may know who does."""
_PASSED_ON = ("Content-Type", "If-Match", "Accept")
_PASSED_BACK = ("Content-Type", "Okube-Revision", "Okube-Continue", "Retry-After")


def is_deaf(context: Context) -> bool:
    """Whether this manager has heard no leader for `DEAF_S`."""
    return context.core.deaf_s > DEAF_S


def client_address(request: web.Request) -> str:
    """Where the client is, as this manager sees it, or as the one says that passes its request on."""
    if request.get(FORWARDED):
        return request.headers.get(CLIENT_ADDRESS, "")
    return address_of(request.transport)


async def relay(request: web.Request, key: str | None, *, timeout_s: float) -> web.Response:
    """What another manager answers: the one that did so last, then the others in turn.

    Raises:
        NoQuorum: none of them hears a leader, so nothing was done.
        OutcomeUnknown: one did not answer in time, or did not know; with the same key a repeat is safe.
    """
    context = request.app[CONTEXT]
    others = [member for member in context.core.raft.members if member.name != context.core.name]
    others.sort(key=lambda member: (member.name != context.relays_by, member.name))
    deadline = context.core.clock.monotonic() + timeout_s
    for member in others:
        left_s = max(0.1, deadline - context.core.clock.monotonic())
        try:
            answer = await ask(request, member, key, timeout_s=left_s, headers={RELAYED: "yes"})
        except NoQuorum:
            continue
        context.relays_by = member.name
        return answer
    raise NoQuorum("no manager that can be reached from here hears a leader")


async def ask(
    request: web.Request, member: Member, key: str | None, *, timeout_s: float, headers: dict[str, str] | None = None
) -> web.Response:
    """What one manager answers to the request, asked in its caller's name; the body must have been read.

    Raises:
        NoQuorum: it cannot be reached, or there is no leader for it; nothing was done.
        OutcomeUnknown: it did not answer, or lost its leader on the way.
    """
    context = request.app[CONTEXT]
    caller = request.get(CALLER)  # None where anyone may ask
    headers = dict(headers or {})
    headers.update((name, request.headers[name]) for name in _PASSED_ON if name in request.headers)
    headers[FORWARDED_FOR] = "anyone/" if caller is None else caller.forwarded_for
    if caller is not None and caller.kind == "worker" and caller.instance:
        headers[FORWARDED_INSTANCE] = caller.instance
    headers[CLIENT_ADDRESS] = client_address(request)
    if key is not None:
        headers["Idempotency-Key"] = key
    try:
        async with context.peers.request(
            request.method,
            f"https://{member.api_address}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            skip_auto_headers=("Content-Type",),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=0.5),
        ) as response:
            data = await response.read()
            if response.status == 503:
                raise NoQuorum(f"{member.name} does not lead any more")
            if response.status == 504:
                raise OutcomeUnknown(f"{member.name} lost leadership on the way")
            kept = {name: response.headers[name] for name in _PASSED_BACK if name in response.headers}
            request[PASSED_ON] = True
            return web.Response(body=data, status=response.status, headers=kept)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NoQuorum(f"{member.name} cannot be reached: {plainly(error)}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(f"{member.name} did not answer: {plainly(error)}") from error
