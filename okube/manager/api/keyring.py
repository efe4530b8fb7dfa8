"""Routes about the key ring: what it is made of, its rotation, and the unlock key.

The unlock key comes in by ``/v1/unlock`` and between managers, and goes out to admins who ask for it and to managers.
"""

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT, Context
from okube.manager.api.forward import leader_only
from okube.manager.api.reading import tables_to_read
from okube.manager.api.writing import submit
from okube.manager.keycalls import HttpKeyCalls, KeyOffer, offer_to_all
from okube.manager.keyring import plan_new_key, plan_unlock_key, sealed_with
from okube.manager.vault import Locked
from okube.model.commands import ResetRing
from okube.model.decode import decode
from okube.model.errors import UNREADABLE, Conflict, InvalidInput, Malformed
from okube.model.keyring_views import (
    DataKeyView,
    KeyringChange,
    KeyringReset,
    KeyringView,
    UnlockBody,
    UnlockedView,
    UnlockKeyView,
)
from okube.model.quantities import rfc3339
from okube.security.keyring import UnlockKey
from okube.state import Tables

__all__ = ["routes"]

routes = web.RouteTableDef()
_offers = msgspec.msgpack.Decoder(KeyOffer)
_encoder = msgspec.msgpack.Encoder()


@routes.get("/v1/keyring")
async def get_keyring(request: web.Request) -> web.Response:
    """The data keys by id, and what they have sealed."""
    return answer(request, _view(await tables_to_read(request)))


@routes.post("/v1/keyring/rotate")
@leader_only
async def rotate_keyring(request: web.Request) -> web.Response:
    """A new data key; the leader then seals everything anew with it."""
    core = request.app[CONTEXT].core
    async with core.vault.turning:
        command = plan_new_key(core.tables, core.vault, core.new_id(), core.clock.time_ms(), request[CALLER].name)
        applied = await submit(request, command)
    return answer(request, _view(core.tables), revision=applied.revision)


@routes.post("/v1/keyring/unlock-key")
@leader_only
async def rotate_unlock_key(request: web.Request) -> web.Response:
    """Another unlock key, told to all managers that can be reached before it is in use."""
    context = request.app[CONTEXT]
    core = context.core
    wanted = decode(KeyringChange, await json_object(request), what="key ring")
    async with core.vault.turning:
        ring = core.tables.ring
        if ring is None:
            raise Locked("the cluster has no key ring yet")
        new = UnlockKey.new(core.vault.random_bytes) if wanted.key is None else UnlockKey.parse(wanted.key)
        autolock = ring.autolock if wanted.autolock is None else wanted.autolock
        if autolock and wanted.key is None:
            raise InvalidInput(
                "with autolock no disk has the unlock key, so it comes from whoever keeps it: send `key`"
            )
        command = plan_unlock_key(
            core.tables,
            core.vault,
            new,
            core.new_id(),
            core.clock.time_ms(),
            autolock=autolock,
            by=request[CALLER].name,
        )
        core.vault.expect(new, aside=not autolock)
        await offer_to_all(core, _calls(context), KeyOffer(new.text, expected=True, aside=not autolock))
        applied = await submit(request, command)
        core.vault.settle()
    return answer(request, _view(core.tables), revision=applied.revision)


@routes.post("/v1/keyring/reset")
@leader_only
async def reset_keyring(request: web.Request) -> web.Response:
    """Give up what nobody can open any more."""
    core = request.app[CONTEXT].core
    lost = decode(KeyringReset, await json_object(request), what="key ring").unlock_key
    async with core.vault.turning:
        ring = core.tables.ring
        if ring is None or ring.unlock_id != lost:
            raise Conflict(f"the key ring's unlock key is {ring.unlock_id if ring else 'none'}, not {lost!r}")
        if not core.vault.locked:
            raise Conflict(f"{core.name} has the unlock key, so nothing is lost: 'okube keyring unlock-key' prints it")
        applied = await submit(request, ResetRing(ring.revision, request[CALLER].name))
    return answer(request, _view(core.tables), revision=applied.revision)


@routes.get("/v1/keyring/unlock-key")
async def get_unlock_key(request: web.Request) -> web.Response:
    """The unlock key itself, for an admin to keep elsewhere."""
    await tables_to_read(request)
    key = request.app[CONTEXT].core.vault.unlock_key
    return answer(request, UnlockKeyView(key.id, key.text))


@routes.post("/v1/unlock")
async def unlock(request: web.Request) -> web.Response:
    """Take the unlock key, and hand it to the other managers; needs no quorum."""
    context = request.app[CONTEXT]
    core = context.core
    key = UnlockKey.parse(decode(UnlockBody, await json_object(request), what="unlock").key)
    if core.tables.ring is None:
        raise Conflict("the cluster has no key ring yet, so there is nothing to unlock")
    core.vault.unlock(key)
    missing = await offer_to_all(core, _calls(context), KeyOffer(key.text))
    names = sorted(member.name for member in core.raft.members)
    unlocked = [name for name in names if name not in missing]
    return answer(request, UnlockedView(unlocked, missing))


@routes.post("/v1/peers/unlock-key")
async def offered(request: web.Request) -> web.Response:
    """Another manager has the unlock key, or the next one."""
    vault = request.app[CONTEXT].core.vault
    try:
        offer = _offers.decode(await request.read())
        key = UnlockKey.parse(offer.text)
    except (InvalidInput, *UNREADABLE):
        raise Malformed("the body is not what a manager sends") from None
    if offer.expected:
        vault.expect(key, aside=offer.aside)
    else:
        vault.unlock(key)
    return web.Response(content_type="application/msgpack")


@routes.get("/v1/peers/unlock-key")
async def asked(request: web.Request) -> web.Response:
    """Another manager lacks the unlock key; where the cluster locks itself, only a person may give it."""
    core = request.app[CONTEXT].core
    if core.tables.ring is not None and core.tables.ring.autolock:
        raise Locked("this cluster locks itself: 'okube unlock' gives its managers the unlock key")
    offer = KeyOffer(core.vault.unlock_key.text)
    return web.Response(body=_encoder.encode(offer), content_type="application/msgpack")


def _calls(context: Context) -> HttpKeyCalls:
    return HttpKeyCalls(context.peers, context.core.settings.cluster_id)


def _view(tables: Tables) -> KeyringView:
    ring = tables.ring
    if ring is None:
        return KeyringView(unlock_key=None, autolock=False, keys=[])
    sealed = sealed_with(tables)
    keys = [
        DataKeyView(key.id, rfc3339(key.made_ms), key.id == ring.newest, sealed.get(key.id, 0)) for key in ring.keys
    ]
    return KeyringView(unlock_key=ring.unlock_id, autolock=ring.autolock, keys=keys)
