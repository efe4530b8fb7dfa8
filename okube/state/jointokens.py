"""Commands about join tokens: made, revoked, used. They are rows of the settings; only hashes of secrets are kept."""

import msgspec

from okube.model.commands import CreateJoinToken, RevokeJoinToken, UseJoinToken
from okube.model.errors import Conflict, NotFound, Unauthorized
from okube.model.jointoken import KEPT_TOKENS, REMEMBERED, JoinTokenView, KeptToken
from okube.model.node import Node
from okube.model.quantities import rfc3339
from okube.state.tables import Tables

__all__ = ["create", "find", "revoke", "use", "view_of_token"]

_KEPT_MS = 86_400_000  # so long an ended token can still be seen
_json = msgspec.json.Encoder()


def create(tables: Tables, command: CreateJoinToken, now_ms: int) -> bytes:
    """Make a token. Answers its view."""
    kept = [token for token in tables.settings.join_tokens if not _is_history(token, now_ms)]
    if len(kept) >= KEPT_TOKENS:
        raise Conflict(f"there are {len(kept)} join tokens, which is the most: revoke some with `okube token revoke`")
    token = KeptToken(
        id=command.id,
        role="manager" if command.role == "manager" else "worker",
        secret_sha256=command.secret_sha256,
        created_ms=now_ms,
        expires_ms=now_ms + command.ttl_ms,
        uses=command.uses,
        created_by=command.by,
    )
    _keep(tables, (*kept, token))
    return _json.encode(view_of_token(token, now_ms))


def revoke(tables: Tables, command: RevokeJoinToken, now_ms: int) -> bytes:
    """Forget a token. Answers its view as it was."""
    token = find(tables, command.id)
    if token is None:
        raise NotFound(f"there is no join token {command.id}")
    _keep(tables, tuple(each for each in tables.settings.join_tokens if each is not token))
    return _json.encode(view_of_token(token, now_ms))


def use(tables: Tables, command: UseJoinToken, now_ms: int) -> bytes:
    """Let a machine in. The same instance may repeat itself, also when the token has ended since."""
    token = find(tables, command.id)
    if token is None:
        raise Unauthorized(f"the join token {command.id} was revoked")
    again = command.instance in token.instances
    why_not = "" if again else token.why_not(now_ms)
    if why_not:
        raise Unauthorized(f"the join token {command.id} {why_not}: have another one made with `okube token create`")
    if token.role == "worker":
        _take_in(tables, command, now_ms)
    if not again:
        instances = (*token.instances, command.instance)[-REMEMBERED:]
        used = msgspec.structs.replace(token, used=token.used + 1, instances=instances)
        _keep(tables, tuple(used if each is token else each for each in tables.settings.join_tokens))
    return b"null"


def find(tables: Tables, token_id: str) -> KeptToken | None:
    """The token of that id, or None."""
    return next((token for token in tables.settings.join_tokens if token.id == token_id), None)


def view_of_token(token: KeptToken, now_ms: int, ca_sha256: str = "") -> JoinTokenView:
    """A token as it is shown."""
    expired, used_up = now_ms >= token.expires_ms, bool(token.uses and token.used >= token.uses)
    return JoinTokenView(
        id=token.id,
        role=token.role,
        state="expired" if expired else "used up" if used_up else "valid",
        uses=token.uses,
        used=token.used,
        created_at=rfc3339(token.created_ms),
        expires_at=rfc3339(token.expires_ms),
        created_by=token.created_by,
        ca_sha256=ca_sha256,
    )


def _take_in(tables: Tables, command: UseJoinToken, now_ms: int) -> None:
    """A worker's node, down until its agent registers; another instance of its name, or of its machine, is refused."""
    old = tables.nodes.get(command.name)
    if old is not None and old.id != command.instance:
        raise Conflict(
            f"there is a node {command.name} already, instance {old.id} at {old.address}: take another name with "
            f"--name, or, if that one is gone for good, forget it with `okube nodes rm {command.name}`"
        )
    if command.machine_id and not command.beside:
        same = next((node for node in tables.nodes.values() if _is_same_machine(node, command)), None)
        if same is not None:
            raise Conflict(
                f"node {same.name} at {same.address} has the same machine-id as this machine. If one is a copy of the "
                "other, give this one an id of its own: `rm -f /etc/machine-id /var/lib/dbus/machine-id && "
                "systemd-machine-id-setup`, then join again. If two workers on one machine are meant, add --beside"
            )
    if old is None:
        tables.put_node(
            Node(
                name=command.name,
                id=command.instance,
                address=command.address,
                state="down",
                labels=command.labels,
                zone=command.zone,
                joined_ms=now_ms,
                machine_id=command.machine_id,
            )
        )


def _is_same_machine(node: Node, command: UseJoinToken) -> bool:
    return node.machine_id == command.machine_id and node.name != command.name


def _is_history(token: KeptToken, now_ms: int) -> bool:
    used_up = bool(token.uses and token.used >= token.uses)
    return now_ms >= token.expires_ms + _KEPT_MS or (used_up and now_ms >= token.created_ms + _KEPT_MS)


def _keep(tables: Tables, tokens: tuple[KeptToken, ...]) -> None:
    tables.put_settings(msgspec.structs.replace(tables.settings, join_tokens=tokens))
