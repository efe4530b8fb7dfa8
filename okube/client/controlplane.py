"""The cluster itself: its managers, its CAs, how it is, and its snapshots."""

from urllib.parse import quote, urlencode

from okube.client.attempt import Request
from okube.client.calls import Calls, Json, target_of
from okube.client.errors import error_of
from okube.client.retry import Patience

__all__ = ["ControlPlane"]

_SNAPSHOT = Patience(deadline_s=300.0, refused_s=3.0)


class ControlPlane(Calls):
    """The calls for managers, CAs, status and snapshots."""

    def status(self) -> Json:
        """The cluster at a glance; any living manager answers, also without quorum."""
        return self._object(self._read("/v1/status"))

    def managers(self) -> list[Json]:
        """The replicas of the control plane."""
        return self._objects(self._read("/v1/managers"))

    def add_manager(self, name: str, *, address: str, raft_address: str) -> Json:
        """Let a manager join: ``{index, members}``, with the instance that it must have."""
        body = {"name": name, "address": address, "raft_address": raft_address}
        return self._object(self._write("POST", "/v1/managers", body))

    def remove_manager(self, name: str, *, instance: str | None = None) -> Json:
        """Have a manager no longer: ``{index, members}``; with ``instance``, no error where that one is gone."""
        query = urlencode({"instance": instance}) if instance else ""
        return self._object(self._write("DELETE", f"/v1/managers/{quote(name, safe='')}{'?' if query else ''}{query}"))

    def readdress_manager(self, name: str, *, address: str, raft_address: str) -> Json:
        """Have a manager reached elsewhere: ``{index, members}``; it listens there once it has heard of it."""
        body = {"address": address, "raft_address": raft_address}
        return self._object(self._write("PATCH", f"/v1/managers/{quote(name, safe='')}", body))

    def transfer_leadership(self, to: str) -> None:
        """Have another manager lead."""
        self._write("POST", "/v1/managers/transfer", {"to": to})

    def authorities(self) -> Json:
        """The cluster's CAs, and how far a change of them is."""
        return self._object(self._read("/v1/cluster/ca"))

    def change_ca(self, action: str, *, force: bool = False) -> Json:
        """``begin``, ``proceed``, ``finish`` or ``give-up`` another CA."""
        return self._object(self._write("POST", "/v1/cluster/ca", {"action": action, "force": force}))

    def save_snapshot(self) -> bytes:
        """The whole state of this moment as a file (``okube.model.archive``)."""
        target = target_of("/v1/snapshot", [("stale", self.stale or None)])
        with self._while_waiting():
            answer = self.caller.call(Request("GET", target), _SNAPSHOT)
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        return answer.body

    def snapshots(self) -> list[Json]:
        """The snapshots that managers keep, the newest first; any living manager answers."""
        return self._objects(self._read("/v1/snapshots"))

    def survivors(self) -> list[Json]:
        """Every manager and what it has, as any living one sees it; needs no quorum."""
        return self._objects(self._read("/v1/recovery"))

    def recover(self, survivor: Json, *, prepare: bool) -> Json:
        """Have one of ``survivors`` go on alone, or only save a copy of what it has: ``{name, copy, incarnation}``."""
        order = {key: survivor[key] for key in ("name", "instance", "last_term", "last_index")}
        return self._object(self._write("POST", "/v1/recovery", {**order, "prepare": prepare}))
