"""Routes about the cluster's CAs: which are believed, and how another one takes their place."""

import msgspec
from aiohttp import web
from cryptography import x509

from okube.manager import ca_change, certificates
from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT, Context
from okube.manager.api.forward import leader_only, leader_read
from okube.manager.api.writing import submit
from okube.manager.authorities import kept_ca
from okube.model.authority import Authorities, CaOrder, CaView, TrustedCa
from okube.model.commands import PutAuthorities
from okube.model.decode import decode
from okube.model.errors import UNREADABLE, Conflict, Malformed, NoQuorum
from okube.model.quantities import rfc3339
from okube.model.wire import ExpiredQuestion, Papers
from okube.security.ca import create_ca

__all__ = ["routes"]

routes = web.RouteTableDef()
_encoder = msgspec.msgpack.Encoder()
_expired = msgspec.msgpack.Decoder(ExpiredQuestion)


@routes.get("/v1/cluster/ca")
@leader_read
async def show_authorities(request: web.Request) -> web.Response:
    """Which CAs are believed."""
    context = request.app[CONTEXT]
    leader = context.leader()
    return answer(request, _view(_found(context), {} if leader is None else leader.shown_papers()))


@routes.post("/v1/cluster/ca")
@leader_only
async def change_authority(request: web.Request) -> web.Response:
    """Take the next step of a change of the CA."""
    context = request.app[CONTEXT]
    order = decode(CaOrder, await json_object(request), what="order")
    leader = context.leader()
    if leader is None:
        raise NoQuorum(f"{context.core.name} has not begun to lead yet")
    papers = leader.shown_papers()
    await submit(request, _command(context, order, papers, request[CALLER].name))
    return answer(request, _view(_found(context), papers))


@routes.post("/v1/renew")
async def renew_expired(request: web.Request) -> web.Response:
    """The next certificate of an agent or a manager whose certificate has ended."""
    context = request.app[CONTEXT]
    try:
        said = _expired.decode(await request.read())
    except UNREADABLE as error:
        raise Malformed(f"the body is not what asks for a certificate: {error}") from error
    signed = certificates.of_expired(context.core, context.signer, said)
    return web.Response(body=_encoder.encode(signed), content_type="application/msgpack")


def _command(context: Context, order: CaOrder, papers: dict[str, Papers | None], by: str) -> PutAuthorities:
    core, found = context.core, _found(context)
    if order.action == "begin":
        now_ms = core.clock.time_ms()
        new = create_ca(core.tables.settings.cluster or core.settings.cluster, core.settings.cluster_id, now_ms=now_ms)
        return ca_change.begin(found, kept_ca(new, core.vault, now_ms), now_ms, by)
    if order.action == "proceed":
        return ca_change.proceed(found, by)
    if order.action == "finish":
        return ca_change.finish(found, papers, by, force=order.force)
    return ca_change.give_up(found, by)


def _found(context: Context) -> Authorities:
    found = context.core.tables.authorities
    if found is None:
        raise Conflict(
            "the state holds no CA yet: the leader takes it from ca.crt and ca.key of its machine once every manager "
            "knows of it"
        )
    return found


def _view(found: Authorities, papers: dict[str, Papers | None]) -> CaView:
    trusted = tuple(
        TrustedCa(id=each.id, signs=each.id == found.signer, ends_at=_end_of(each.certificate)) for each in found.kept
    )
    return CaView(
        trusted=trusted,
        changing="no" if not found.coming else "signing" if found.signer == found.coming else "spreading",
        waits_for=tuple(ca_change.waits_for(found, papers)),
        certificates=found.trusted.decode(),
    )


def _end_of(pem: bytes) -> str:
    end = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return rfc3339(round(end.timestamp() * 1000)) or ""
