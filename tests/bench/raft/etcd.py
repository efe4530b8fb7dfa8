"""Three members of etcd as Debian has it, with TLS between them and to clients, and its own defaults for all else."""

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bench.raft.system import MEMBERS, THINGS, Ask
from tests.lab.engine import wait_until
from tests.lab.hosts import Hosts
from tests.lab.leftovers import kill_all, pids_mentioning

__all__ = ["Etcd"]

_PREFIX = "okube-etcd-"
_CLIENTS, _PEERS = 2379, 2380


class Etcd:
    """Satisfies ``System``."""

    name = "etcd"

    def __init__(self, hosts: Hosts) -> None:
        _clean_up_after_the_dead()
        self.load: dict[str, str] = {}
        self._hosts = hosts
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        (self._folder / "owner").write_text(str(os.getpid()))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        _make_certificate(self._folder, [hosts.addresses[member] for member in MEMBERS])
        self._context = ssl.create_default_context(cafile=str(self._folder / "crt"))
        try:
            self.repair()
        except BaseException:
            self.destroy()
            raise

    def url(self, member: str) -> str:
        return f"https://{self._hosts.addresses[member]}:{_CLIENTS}"

    def leader(self) -> str:
        found: list[str] = []

        def look() -> bool:
            found[:] = [member for member in MEMBERS if self._leads(member)]
            return len(found) == 1

        wait_until(look, "etcd has a leader")
        return found[-1]

    def pid(self, member: str) -> int:
        return self._processes[member].pid

    def signal(self, member: str, number: signal.Signals) -> None:
        self._processes[member].send_signal(number)
        if number is signal.SIGKILL:
            self._processes.pop(member).wait()

    def repair(self) -> None:
        for member in MEMBERS:
            if member not in self._processes:
                self._processes[member] = self._start(member)
        wait_until(lambda: all(self._serves(member) for member in MEMBERS), "all members of etcd serve")

    def small_write(self, number: int) -> Ask:
        key = b64encode(f"svc{number % THINGS:05}".encode()).decode()
        body = {"key": key, "value": b64encode(b"%080d" % number).decode()}
        return Ask("POST", "/v3/kv/put", msgspec.json.encode(body))

    def destroy(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, member: str) -> "subprocess.Popen[bytes]":
        peers = {each: f"https://{self._hosts.addresses[each]}:{_PEERS}" for each in MEMBERS}
        crt, key = str(self._folder / "crt"), str(self._folder / "key")
        options = {
            "name": member,
            "data-dir": str(self._folder / member),
            "listen-client-urls": self.url(member),
            "advertise-client-urls": self.url(member),
            "listen-peer-urls": peers[member],
            "initial-advertise-peer-urls": peers[member],
            "initial-cluster": ",".join(f"{each}={url}" for each, url in peers.items()),
            "initial-cluster-token": self._folder.name,
            "cert-file": crt,
            "key-file": key,
            "peer-cert-file": crt,
            "peer-key-file": key,
            "peer-trusted-ca-file": crt,
            "peer-client-cert-auth": "true",
            "log-level": "error",
            "logger": "zap",
        }
        words = self._hosts.command(member, "etcd", *(f"--{option}={value}" for option, value in options.items()))
        with (self._folder / f"{member}.log").open("ab") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _ask(self, member: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url(member)}{path}", msgspec.json.encode(body))
        with urllib.request.urlopen(request, timeout=2, context=self._context) as answer:
            found: dict[str, Any] = msgspec.json.decode(answer.read())
            return found

    def _leads(self, member: str) -> bool:
        with contextlib.suppress(OSError):
            status = self._ask(member, "/v3/maintenance/status", {})
            return bool(status.get("leader") == status["header"]["member_id"])  # absent while there is none
        return False

    def _serves(self, member: str) -> bool:
        with contextlib.suppress(OSError):
            return "header" in self._ask(member, "/v3/kv/range", {"key": "c3Zj"})  # linearizable: it knows the leader
        return False


def _make_certificate(folder: Path, addresses: list[str]) -> None:
    """One certificate for all members, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd of the bench")])
    now = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(each)) for each in addresses]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key").write_bytes(private)
    (folder / "key").chmod(0o600)


def _clean_up_after_the_dead() -> None:
    """End what a run that was itself ended has left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int((folder / 'owner').read_text())}").exists():
                kill_all(pids_mentioning(str(folder)))
                shutil.rmtree(folder, ignore_errors=True)
