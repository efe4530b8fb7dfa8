"""Who is at the other end of a connection, as its certificate says."""

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

import msgspec

__all__ = ["ANY_MANAGER", "INSTANCE_URI", "Identity", "Role", "identity_of", "server_name"]

Role = Literal["manager", "worker", "admin", "user"]
"""``admin`` is whoever holds what ``okube up`` leaves; ``user`` is a person, and the cluster knows what they may."""

ANY_MANAGER = "manager.okube"
"""The name in the certificate of each manager: for clients that know URLs and no names."""


INSTANCE_URI = "okube:instance:"
"""How the URI begins that names an instance in a certificate."""


class Identity(msgspec.Struct, frozen=True):
    """One party of one cluster: the subject O=cluster_id, OU=role, CN=name of its certificate.

    ``instance`` is that of a manager's or worker's folder, a URI among the certificate's names; it is empty for people,
    and in certificates from before it was written there.
    """

    cluster_id: str
    role: Role
    name: str
    instance: str = ""

    @property
    def server_name(self) -> str:
        """The name to ask for when connecting to it."""
        return server_name(self.name, self.role, self.cluster_id)

    @property
    def instance_uri(self) -> str | None:
        """How the certificate names the instance; None where there is none to name."""
        return INSTANCE_URI + self.instance if self.instance else None


def server_name(name: str, role: Role, cluster_id: str) -> str:
    """What a server's certificate must be made out to: ``m1.manager.k3v9….okube``."""
    return f"{name}.{role}.{cluster_id}.okube"


def identity_of(peercert: Mapping[str, Any] | None) -> Identity | None:
    """The identity in a certificate as ``ssl.SSLObject.getpeercert()`` gives it, or None where there is none of ours.

    The TLS layer has checked by then that the cluster's CA signed it.
    """
    found: dict[str, list[str]] = {}
    for part in (peercert or {}).get("subject", ()):
        for key, value in part:
            found.setdefault(key, []).append(value)
    values = [found.get(key, []) for key in ("organizationName", "organizationalUnitName", "commonName")]
    if any(len(each) != 1 or not each[0] for each in values):
        return None
    cluster_id, role, name = (each[0] for each in values)
    if role not in get_args(Role):
        return None
    return Identity(cluster_id, cast("Role", role), name, _instance_of(peercert or {}))


def _instance_of(peercert: Mapping[str, Any]) -> str:
    named = [value for kind, value in peercert.get("subjectAltName", ()) if kind == "URI"]
    found = [value.removeprefix(INSTANCE_URI) for value in named if value.startswith(INSTANCE_URI)]
    return found[0] if len(found) == 1 else ""
