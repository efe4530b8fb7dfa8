"""Routes with which machines join: tokens for people, and the two that a machine without any credentials may call."""

import logging

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT, SUBJECT, Context
from okube.manager.api.forward import leader_only
from okube.manager.api.managers import tell
from okube.manager.api.reading import tables_to_read
from okube.manager.api.writing import result_of, submit
from okube.manager.joining import join
from okube.manager.membership import note_managers
from okube.model.commands import CreateJoinToken, RevokeJoinToken, TellOfManager
from okube.model.decode import decode
from okube.model.jointoken import JoinAuthority, JoinRequest, JoinTokenView, NewJoinToken
from okube.security import ProcessFiles
from okube.security.jointokens import certificates_in, fingerprint_of
from okube.state.jointokens import view_of_token

__all__ = ["routes"]

_log = logging.getLogger(__name__)
routes = web.RouteTableDef()


@routes.get("/v1/tokens")
async def list_tokens(request: web.Request) -> web.Response:
    """All tokens that are kept, the newest last."""
    tables = await tables_to_read(request)
    context = request.app[CONTEXT]
    now_ms, fingerprint = context.core.clock.time_ms(), _fingerprint(context)
    return answer(request, [view_of_token(token, now_ms, fingerprint) for token in tables.settings.join_tokens])


@routes.post("/v1/tokens")
@leader_only
async def create_token(request: web.Request) -> web.Response:
    """Make a token; its secret was drawn by whoever asks, and is not told here."""
    context = request.app[CONTEXT]
    new = decode(NewJoinToken, await json_object(request), what="token")
    command = CreateJoinToken(
        id=context.core.new_id(),
        role=new.role,
        secret_sha256=new.secret_sha256,
        ttl_ms=round(new.ttl_s * 1000),
        uses=new.uses,
        by=request[CALLER].name,
    )
    applied = await submit(request, command)
    view = msgspec.convert({**result_of(applied), "ca_sha256": _fingerprint(context)}, JoinTokenView)
    _log.info("join token %s (%s) was made by %s", view.id, new.role, command.by)
    return answer(request, view, status=201, revision=applied.revision)


@routes.delete("/v1/tokens/{id}")
@leader_only
async def revoke_token(request: web.Request) -> web.Response:
    """A token lets nobody in any more."""
    token_id, by = request.match_info["id"], request[CALLER].name
    applied = await submit(request, RevokeJoinToken(token_id, by))
    _log.info("join token %s was revoked by %s", token_id, by)
    return answer(request, applied.body, revision=applied.revision)


@routes.get("/v1/join")
async def authority(request: web.Request) -> web.Response:
    """The CA's certificates, which are public: a machine knows by its token whether they are its cluster's."""
    body = msgspec.json.encode(JoinAuthority(_trusted(request.app[CONTEXT])))
    return web.Response(body=body, content_type="application/json")


@routes.post("/v1/join")
@leader_only
async def join_cluster(request: web.Request) -> web.Response:
    """Let a machine in that shows a token."""
    context = request.app[CONTEXT]
    asked = decode(JoinRequest, await json_object(request), what="join")
    request[SUBJECT] = f"{asked.role} {asked.name}, with token {asked.token}"
    before = context.core.raft.members_index
    joined = await join(
        context.core, asked, ca=_trusted(context), signer=context.signer, unlock_key=context.core.vault.to_hand_over
    )
    if joined.index > before and asked.role == "manager":
        await tell(context.core, TellOfManager(asked.name, "added", asked.address, f"token {asked.token}"))
        await note_managers(context.core)
    return answer(request, joined)


def _trusted(context: Context) -> str:
    """The certificates of the CAs that are believed now: as the state has them, else as this manager's folder has."""
    found = context.core.tables.authorities
    if found is not None:
        return found.trusted.decode("ascii")
    return ProcessFiles(context.core.settings.directory).tls.ca.read_text(encoding="ascii")


def _fingerprint(context: Context) -> str:
    """Of the CA that signs now: a token that is made while another one comes is good for as long as that one signs."""
    found = context.core.tables.authorities
    signer = None if found is None else found.of(found.signer)
    certificate = certificates_in(_trusted(context))[0] if signer is None else signer.certificate.decode("ascii")
    return fingerprint_of(certificate)
