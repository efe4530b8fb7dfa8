"""Who may do what, and what is kept secret: users and their credentials, join tokens, secrets, configs, key ring."""

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from okube.client.calls import Calls, Json

__all__ = ["Access", "SecretKind"]

SecretKind = Literal["secret", "config"]


class Access(Calls):
    """The calls for users, tokens, secrets and keys."""

    def secrets(self, kind: SecretKind = "secret", *, app: str | None = None, labels: Sequence[str] = ()) -> list[Json]:
        """All secrets, or all configs, without their values."""
        return self._list(f"/v1/{kind}s", [("app", app), *(("label", label) for label in labels)])

    def secret(self, name: str, kind: SecretKind = "secret") -> Json:
        """One secret or config, without its value."""
        return self._object(self._read(_of_secret(kind, name)))

    def create_secret(
        self,
        name: str,
        value: bytes,
        kind: SecretKind = "secret",
        *,
        app: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Json:
        """A new secret or config; raises Conflict where the name is taken."""
        body = {"name": name, "value": value, "app": app, "labels": dict(labels or {})}
        return self._object(self._write("POST", f"/v1/{kind}s", body))

    def rotate_secret(
        self, name: str, value: bytes, kind: SecretKind = "secret", *, if_match: int | None = None
    ) -> Json:
        """Give a secret or config a new value."""
        return self._object(
            self._write("POST", f"{_of_secret(kind, name)}/rotate", {"value": value}, if_match=if_match)
        )

    def delete_secret(self, name: str, kind: SecretKind = "secret", *, if_match: int | None = None) -> Json:
        """Forget a secret or config with all its values; as it was."""
        return self._object(self._write("DELETE", _of_secret(kind, name), if_match=if_match))

    def config_value(self, name: str, *, version: int | None = None) -> bytes:
        """What a config holds."""
        return self._read(f"{_of_secret('config', name)}/value", [("version", version)]).body

    def scheduler(self) -> Json:
        """How nodes are chosen for tasks: ``{policy, weights, scores, unknown}``."""
        return self._object(self._read("/v1/scheduler"))

    def set_scheduler(
        self,
        policy: str,
        weights: Mapping[str, float],
        overcommit: Mapping[str, float] | None = None,
        order: str | None = None,
        rebalance: Json | None = None,
    ) -> Json:
        """Choose nodes by this policy from here on, with these weights beside its own.

        ``overcommit`` says how many times what nodes have of ``cpus``, ``memory`` and ``disk`` is promised (else once),
        ``order`` in which order services are placed that depend on each other, ``rebalance`` (``{every, max_moves}``)
        how often tasks are moved for balance.
        """
        body: Json = {"policy": policy, "weights": dict(weights), "overcommit": dict(overcommit or {})}
        if order is not None:
            body["order"] = order
        if rebalance is not None:
            body["rebalance"] = rebalance
        return self._object(self._write("PUT", "/v1/scheduler", body))

    def quotas(self) -> list[Json]:
        """All quotas, with what services ask for of each."""
        return self._list("/v1/quotas", [])

    def quota(self, kind: str, name: str) -> Json:
        """The quota of an app or a user."""
        return self._object(self._read(_of_quota(kind, name)))

    def set_quota(self, kind: str, name: str, limits: Mapping[str, object], *, if_match: int | None = None) -> Json:
        """Set all of a quota: ``cpus``, ``memory``, ``disk``, ``tasks``, ``services`` and named resources."""
        return self._object(self._write("PUT", _of_quota(kind, name), dict(limits), if_match=if_match))

    def remove_quota(self, kind: str, name: str) -> Json:
        """Have no such quota any more; as it was."""
        return self._object(self._write("DELETE", _of_quota(kind, name)))

    def keyring(self) -> Json:
        """The keys that seal secrets, by their ids: ``{unlock_key, autolock, keys}``."""
        return self._object(self._read("/v1/keyring"))

    def rotate_keyring(self) -> Json:
        """A new data key, with which everything is sealed anew."""
        return self._object(self._write("POST", "/v1/keyring/rotate"))

    def rotate_unlock_key(self, key: str, *, autolock: bool | None = None) -> Json:
        """Another unlock key; ``autolock``: whether managers lock themselves from here on (None: as it is)."""
        return self._object(self._write("POST", "/v1/keyring/unlock-key", {"autolock": autolock, "key": key}))

    def reset_keyring(self, unlock_key: str) -> Json:
        """Give up secrets and configs, where the unlock key of that id is lost."""
        return self._object(self._write("POST", "/v1/keyring/reset", {"unlock_key": unlock_key}))

    def unlock_key(self) -> Json:
        """The unlock key itself: ``{id, key}``."""
        return self._object(self._read("/v1/keyring/unlock-key"))

    def unlock(self, key: str) -> Json:
        """Give managers the unlock key: ``{unlocked, missing}``, names of managers."""
        return self._object(self._write("POST", "/v1/unlock", {"key": key}))

    def join_tokens(self) -> list[Json]:
        """The join tokens, without their secrets."""
        return self._objects(self._read("/v1/tokens"))

    def create_join_token(self, role: str, *, secret_sha256: str, ttl_s: float, uses: int = 0) -> Json:
        """A token with which ``uses`` machines (0: any number) may join; its secret stays with whoever has drawn it."""
        body = {"role": role, "secret_sha256": secret_sha256, "ttl_s": ttl_s, "uses": uses}
        return self._object(self._write("POST", "/v1/tokens", body))

    def revoke_join_token(self, token_id: str) -> Json:
        """A token lets nobody in any more."""
        return self._object(self._write("DELETE", f"/v1/tokens/{quote(token_id, safe='')}"))

    def users(self) -> list[Json]:
        """All users, by name."""
        return self._list("/v1/users", [])

    def create_user(
        self, name: str, *, role: str, token_sha256: str, apps: Sequence[str] = (), expires_ms: int | None = None
    ) -> Json:
        """A new user: ``viewer``, ``operator`` or ``admin``, of some apps or (none named) the whole cluster.

        The token stays with whoever has drawn it; its SHA-256 makes it good, until ``expires_ms`` (since 1970, UTC).
        """
        body = {"name": name, "role": role, "apps": list(apps), "token_sha256": token_sha256, "expires_ms": expires_ms}
        return self._object(self._write("POST", "/v1/users", body))

    def change_user(self, name: str, *, role: str | None = None, apps: Sequence[str] | None = None) -> Json:
        """Change what a user may do; None leaves a thing as it is, no apps are all."""
        change = {"role": role, "apps": None if apps is None else list(apps)}
        body = {key: value for key, value in change.items() if value is not None}
        return self._object(self._write("PATCH", f"/v1/users/{quote(name, safe='')}", body))

    def rotate_user(self, name: str, *, token_sha256: str, expires_ms: int | None = None) -> Json:
        """Give a user another token; the one before is worth nothing from then on."""
        body = {"token_sha256": token_sha256, "expires_ms": expires_ms}
        return self._object(self._write("POST", f"/v1/users/{quote(name, safe='')}/rotate", body))

    def remove_user(self, name: str) -> Json:
        """Forget a user: what they have is worth nothing from then on."""
        return self._object(self._write("DELETE", f"/v1/users/{quote(name, safe='')}"))

    def audit(
        self,
        *,
        user: str | None = None,
        action: str | None = None,
        result: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
    ) -> Json:
        """Who did what: ``{records, silent}``, the oldest record first; ``silent`` managers did not answer."""
        query = [("user", user), ("action", action), ("result", result), ("since", since_ms), ("limit", limit)]
        return self._object(self._read("/v1/audit", query))

    def certify(self, csr: str) -> Json:
        """A certificate for the caller, a user, of the key of a request: ``{certificate, ca, expires_at}``."""
        return self._object(self._write("POST", "/v1/self/certificate", {"csr": csr}))

    def who_am_i(self) -> Json:
        """Who the caller is: name, role, apps (none: all)."""
        return self._object(self._read("/v1/self"))


def _of_secret(kind: SecretKind, name: str) -> str:
    return f"/v1/{kind}s/{quote(name, safe='')}"


def _of_quota(kind: str, name: str) -> str:
    return f"/v1/quotas/{quote(kind, safe='')}/{quote(name, safe='')}"
