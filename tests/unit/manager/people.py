"""Users of a manager under test, each with a token that is the name."""

import hashlib
from typing import Any

from tests.unit.manager.conftest import Api

__all__ = ["a_user", "token_of"]


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
    while api.core.tables.settings.command_version < 3:
        await api.core.raft.read_barrier(timeout_s=1)
