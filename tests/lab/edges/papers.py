"""Certificates to come with, right ones and wrong ones, and every port of a cluster to come to."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.security.ca import Authority, create_ca
from okube.security.identity import Identity, Role
from okube.security.issue import issue
from tests.lab.cluster import Cluster

__all__ = ["Papers", "Port", "Ports", "ports_of"]

_TIMEOUT_S = 20.0
_YEARS_AGO = timedelta(days=2 * 3653)
_IN_TWO_HOURS = timedelta(hours=2)  # certificates begin an hour before they are issued

Kind = Literal["api", "raft", "agent"]


class Port(msgspec.Struct, frozen=True):
    """One port of one process, and what speaks there."""

    process: str
    kind: Kind
    number: int

    def plain(self) -> socket.socket:
        """A connection before any TLS."""
        return socket.create_connection(("127.0.0.1", self.number), timeout=_TIMEOUT_S)

    @contextlib.contextmanager
    def tls(self, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
        """A connection with TLS, whoever is there."""
        with self.plain() as plain, context.wrap_socket(plain, server_hostname="whoever") as connection:
            yield connection


class Ports(msgspec.Struct, frozen=True):
    """One of each kind."""

    api: Port
    raft: Port
    agent: Port

    @property
    def all(self) -> tuple[Port, ...]:
        """The three of them."""
        return (self.api, self.raft, self.agent)


def ports_of(cluster: Cluster) -> Ports:
    """The ports of m1 and w1."""
    manager, worker = cluster.described["managers"][0], cluster.described["workers"][0]
    return Ports(
        Port(manager["name"], "api", manager["port"]),
        Port(manager["name"], "raft", manager["raft_port"]),
        Port(worker["name"], "agent", worker["port"]),
    )


class Papers:
    """Makes contexts of TLS; whoever made the cluster could make all of them, and nobody else those of its own CA."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._folder = folder
        self._authority = _authority_of(cluster)
        self.cluster_id = msgspec.json.decode((cluster.data_dir / "m1" / "identity.json").read_bytes())["cluster_id"]
        self._made = 0

    def none(self) -> ssl.SSLContext:
        """Without any."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def of(self, role: Role, name: str, instance: str = "") -> ssl.SSLContext:
        """A good one, of the cluster's own CA."""
        return self._context(self._authority, role, name, instance=instance)

    def expired(self) -> ssl.SSLContext:
        """That of a manager, from years ago."""
        return self._context(self._authority, "manager", "m2", shifted=-_YEARS_AGO)

    def not_yet_valid(self) -> ssl.SSLContext:
        """That of a manager whose clock, or whose CA's clock, is two hours ahead."""
        return self._context(self._authority, "manager", "m2", shifted=_IN_TWO_HOURS)

    def foreign(self) -> ssl.SSLContext:
        """That of the same manager of the same cluster, as another CA says."""
        other = create_ca("lab", self.cluster_id, now_ms=_now_ms())
        return self._context(other, "manager", "m2")

    def signed_by_a_worker(self) -> ssl.SSLContext:
        """That of a manager, made with the key of a worker, which shows its own beside it."""
        mine = issue(self._authority, Identity(self.cluster_id, "worker", "w1"), now_ms=_now_ms())
        key = serialization.load_pem_private_key(mine.key, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        worker = Authority(x509.load_pem_x509_certificate(mine.certificate), key)
        return self._context(worker, "manager", "m2", beside=mine.certificate)

    def _context(
        self,
        authority: Authority,
        role: Role,
        name: str,
        *,
        shifted: timedelta = timedelta(),
        beside: bytes = b"",
        instance: str = "",
    ) -> ssl.SSLContext:
        now_ms = _now_ms() + shifted // timedelta(milliseconds=1)
        identity = Identity(self.cluster_id, role, name, instance)
        made = issue(authority, identity, hosts=["127.0.0.1"], now_ms=now_ms)
        self._made += 1
        certificate, key = self._folder / f"{self._made}.crt", self._folder / f"{self._made}.key"
        certificate.write_bytes(made.certificate + beside)
        key.write_bytes(made.key)
        context = self.none()
        context.load_cert_chain(certificate, key)
        return context


def _authority_of(cluster: Cluster) -> Authority:
    certificate = x509.load_pem_x509_certificate((cluster.data_dir / "ca" / "ca.crt").read_bytes())
    (path,) = cluster.folder.rglob("ca.key")
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(certificate, key)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
