"""One request to the cluster as a client makes it: to any manager, and again to another with the same key."""

import random
import secrets
from typing import Any

import aiohttp
import msgspec

from tests.lab.raft.site import MANAGERS, Site

__all__ = ["PATIENCE_S", "Reply", "ask"]

PATIENCE_S = 4.0
"""How long one manager may take to answer."""
_TRIES = 4
_NOT_BEGUN = frozenset({429, 503})


class Reply(msgspec.Struct, frozen=True):
    """What became of a request; without a status nobody knows, or (``not_begun``) it certainly had no effect."""

    status: int | None = None
    body: dict[str, Any] = {}
    not_begun: bool = False


async def ask(
    session: aiohttp.ClientSession,
    site: Site,
    rng: random.Random,
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Ask until there is an answer that says something, a few times at most."""
    key = {"Idempotency-Key": f"soak-{secrets.token_hex(12)}"} if method != "GET" else {}
    maybe_begun = False
    for manager in rng.sample(MANAGERS * _TRIES, k=_TRIES):
        url = site.url(manager) + path
        try:
            async with session.request(method, url, json=body, headers={**key, **(headers or {})}) as answer:
                data = await answer.read()
        except aiohttp.ClientConnectorError:
            continue  # nobody was there to ask
        except (aiohttp.ClientError, TimeoutError):
            maybe_begun = True
            continue
        if answer.status in _NOT_BEGUN:
            continue
        if answer.status >= 500:
            maybe_begun = True
            continue
        return Reply(answer.status, msgspec.json.decode(data) if data else {})
    return Reply(not_begun=not maybe_begun)
