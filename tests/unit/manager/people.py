"""Users of a manager under test, each with a token that is the name."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

from tests.unit.manager.conftest import Api

__all__ = ["a_user", "token_of", "until", "users_are_enabled"]


def token_of(name: str) -> str:
    """The token of a user that ``a_user`` made."""
    return f"okube-token-of-{name}"


async def a_user(api: Api, name: str, role: str, *apps: str, **more: Any) -> None:
    """A user, once the cluster knows what users are."""
    await users_are_enabled(api)
    sha256 = hashlib.sha256(token_of(name).encode()).hexdigest()
    body = {"name": name, "role": role, "apps": apps, "token_sha256": sha256, **more}
    made = await api("POST", "/v1/users", body)
    assert made.status == 201, made.body


async def users_are_enabled(api: Api) -> None:
    """Wait for the command version that users came with."""
    await until(lambda: api.core.tables.settings.command_version >= 3)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what comes about by itself in a moment."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)
