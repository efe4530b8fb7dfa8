"""What the cluster says of its nodes and managers, and what it is asked to do, where one of them comes or goes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from okube.client.api import OkubeClient
from okube.install.nodes import InCluster, Role
from okube.model.errors import NoQuorum, NotFound, OkubeError, OutcomeUnknown, Unreachable
from okube.security.jointokens import JoinToken, new_secret
from okube.security.tokens import token_sha256

__all__ = [
    "TookTooLong",
    "drain",
    "forget",
    "host_of",
    "managers_in",
    "new_token",
    "node_in",
    "revoke",
    "serving",
    "wait_until",
]

Row = Mapping[str, Any]
Say = Callable[[str], None]
_TOKEN_S = 900.0
_POLL_S = 0.25
_READ_S = 5.0


class TookTooLong(OkubeError):
    """What was asked for is under way, and has not come about in time; the command may be called again."""

    kind = "waited-in-vain"


def managers_in(client: OkubeClient) -> dict[str, InCluster]:
    """All managers, by name."""
    return {str(row["name"]): _manager(row) for row in client.managers()}


def node_in(client: OkubeClient, name: str) -> InCluster | None:
    """A node; None where there is none of that name."""
    try:
        row = client.node(name)
    except NotFound:
        return None
    return InCluster(
        instance=str(row["id"]),
        host=host_of(str(row["address"])),
        answers=row["state"] == "ready",
        empty=row["availability"] == "drained",
    )


def serving(client: OkubeClient) -> list[str]:
    """The addresses of managers that answer, ``host:port``, the leader's first."""
    rows = [row for row in client.managers() if row.get("state") == "ready"]
    return [str(row["address"]) for row in sorted(rows, key=lambda row: row.get("role") != "leader")]


def host_of(address: str) -> str:
    """The host of ``host:port``, without brackets."""
    return address.rpartition(":")[0].strip("[]")


def new_token(client: OkubeClient, role: Role) -> JoinToken:
    """A token with which one machine may join, within a quarter of an hour."""
    secret = new_secret()
    made = client.create_join_token(role, secret_sha256=token_sha256(secret), ttl_s=_TOKEN_S, uses=1)
    return JoinToken(str(made["id"]), secret, str(made["ca_sha256"]), role)


def revoke(client: OkubeClient, token: JoinToken) -> None:
    """A token that was used, or will not be; who joined with it stays."""
    try:
        client.revoke_join_token(token.id)
    except (NotFound, NoQuorum, Unreachable, OutcomeUnknown):
        return  # it ends by itself


def forget(client: OkubeClient, role: Role, name: str, known: InCluster) -> None:
    """Take it out of the cluster; its certificate is worth nothing from then on."""
    try:
        if role == "manager":
            client.remove_manager(name, instance=known.instance)
        else:
            client.delete_node(name, bar=True)
    except NotFound:
        return  # an earlier call did it, and its answer was lost


def drain(client: OkubeClient, name: str, timeout_s: float, say: Say) -> None:
    """Move all tasks off a node.

    Raises:
        TookTooLong: some are still there; they go on moving.
    """
    client.update_node(name, availability="draining")
    told = [""]

    def is_empty() -> bool:
        tasks = client.tasks(node=name)
        if client.node(name)["availability"] == "drained":
            return True
        left = f"{len(tasks)} task{'' if len(tasks) == 1 else 's'} still there"
        if left != told[0]:
            told[0] = left
            say(left)
        return False

    wait_until(is_empty, timeout_s, lambda: f"{name} is not empty: {told[0]}{_held_up(client, name)}; it goes on")


def wait_until(holds: Callable[[], bool], timeout_s: float, what: Callable[[], str]) -> None:
    """Return when something holds; managers that do not answer for a while are waited for too.

    Raises:
        TookTooLong: with ``what`` is so instead.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        trouble = ""
        try:
            if holds():
                return
        except (NoQuorum, Unreachable, OutcomeUnknown) as error:
            trouble = f" ({error.detail})"
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {timeout_s:g} s: {what()}{trouble}")
        time.sleep(_POLL_S)


def _manager(row: Row) -> InCluster:
    return InCluster(
        instance=str(row.get("instance") or ""),
        host=host_of(str(row["address"])),
        answers=row.get("state") == "ready",
        voter=bool(row.get("voter", True)),
    )


def _held_up(client: OkubeClient, name: str) -> str:
    """What the tasks there, and those that should take their place, say of themselves."""
    try:
        tasks = client.tasks(node=name)
        services: Sequence[str] = sorted({str(task["service"]) for task in tasks})
        pending = [each for service in services for each in client.tasks(service=service, state="pending")]
    except OkubeError:
        return ""
    said = [
        f"{each['service']}.{each['slot']}: {each['message']}" for each in (*pending, *tasks) if each.get("message")
    ]
    return f" ({'; '.join(said[:3])})" if said else ""
