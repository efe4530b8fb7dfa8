"""Certificates and contexts for members on this machine."""

import ssl
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from okube.raft.transport import TlsTransport
from okube.security.ca import Authority, create_ca
from okube.security.identity import Identity, Role, identity_of
from okube.security.issue import issue

__all__ = ["Certificates", "identify"]


def identify(certificate: dict[str, Any]) -> tuple[str, str, str | None] | None:
    found = identity_of(certificate)
    return None if found is None else (found.role, found.name, None)


class Certificates:
    """One cluster's CA, and what it signs."""

    def __init__(self, directory: Path, cluster_id: str = "c1") -> None:
        self.cluster_id = cluster_id
        self._directory = directory
        self._authority: Authority = create_ca("test", cluster_id, now_ms=self._now_ms)
        (directory / "ca.crt").write_bytes(self._authority.certificate_pem)

    @property
    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def contexts(
        self, name: str, role: Role = "manager", life: timedelta | None = None
    ) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        """For a server and for a client, with a new certificate."""
        identity = Identity(self.cluster_id, role, name)
        issued = issue(self._authority, identity, hosts=["127.0.0.1"], now_ms=self._now_ms, life=life)
        certificate, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        certificate.write_bytes(issued.certificate)
        key.write_bytes(issued.key)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.verify_mode = ssl.CERT_REQUIRED
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for context in (server, client):
            context.load_verify_locations(self._directory / "ca.crt")
            context.load_cert_chain(certificate, key)
        return server, client

    def transport(
        self,
        name: str,
        *,
        instance: str = "",
        role: Role = "manager",
        cluster_id: str = "",
        life: timedelta | None = None,
        **settings: Any,
    ) -> TlsTransport:
        """A transport that listens on a free port of this machine."""
        server, client = self.contexts(name, role, life)
        return TlsTransport(
            name=name,
            instance=instance or f"{name}-i",
            cluster_id=cluster_id or self.cluster_id,
            host="127.0.0.1",
            port=0,
            server_context=server,
            client_context=client,
            identify=identify,
            **settings,
        )
