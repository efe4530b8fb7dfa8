"""All certificates are renewed under constant load, several times over, and nobody notices.

Each process gets a new key and a new certificate while clients write and read, on connections that last and on new
ones, and a watch stands: no call fails, no leader is elected, no node is down, no link between managers is made anew.
"""

import http.client
import os
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509

from okube.client import Client, connect
from okube.security import client_context
from tests.lab.cluster import Cluster

_LIFE_S = int(os.environ.get("OKUBE_RENEWAL_LIFE", "30"))  # `make soak`: certificates of two minutes for ten
_PAUSE_S = 0.01
_SECONDS = float(os.environ.get("OKUBE_RENEWAL_SECONDS", "36"))


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(
        tmp_path_factory.mktemp("renewal"),
        runtime="process",
        workers=2,
        node_down_after="12s",
        timing={"election": "2s"},  # what a busy machine does to a process is not what is looked for here
        certificates={"life": f"{_LIFE_S}s"},
    )
    try:
        yield made
    finally:
        made.destroy()


class Load(threading.Thread):
    """Calls the cluster until it is told to stop; what fails is kept."""

    def __init__(self, cluster: Cluster, service: str, *, fresh: bool) -> None:
        super().__init__()
        self.cluster = cluster
        self.service = service
        self.fresh = fresh
        self.calls = 0
        self.failures: list[Exception] = []
        self.ending = threading.Event()

    def run(self) -> None:
        client = self._connect()
        while not self.ending.wait(_PAUSE_S):
            try:
                if self.fresh:
                    client.close()
                    client = self._connect()
                client.scale(**{self.service: self.calls % 2})
                assert client.service(self.service).replicas == self.calls % 2
                self.calls += 1
            except Exception as error:
                self.failures.append(error)
        client.close()

    def _connect(self) -> Client:
        addresses = [f"https://{m['host']}:{m['port']}" for m in self.cluster.described["managers"]]
        return connect(addresses, credentials=self.cluster.data_dir / "admin")


class Watch(threading.Thread):
    """One connection on which changes are watched; nothing here makes another where it ends."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self.lines = 0
        self.ended = False
        manager = cluster.described["managers"][0]
        context = client_context(cluster.data_dir / "admin")
        self._connection = http.client.HTTPSConnection(manager["host"], manager["port"], context=context, timeout=30)
        revision = cluster.json("status")["revision"]
        self._connection.request("GET", f"/v1/services?watch=true&since={revision}")
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200
        self.closing = False

    def run(self) -> None:
        try:
            while self._answer.readline():
                self.lines += 1
        except (OSError, ssl.SSLError, ValueError, AttributeError):
            pass
        self.ended = not self.closing

    def close(self) -> None:
        self.closing = True
        sock = self._connection.sock
        if sock is not None:
            sock.close()


def ends(cluster: Cluster) -> dict[str, datetime]:
    """When the certificate of each process ends."""
    found = {}
    for name in (*cluster.managers, *cluster.workers):
        pem = (cluster.data_dir / name / "tls" / "node.crt").read_bytes()
        found[name] = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return found


def test_all_certificates_are_renewed_under_load_and_nobody_notices(cluster: Cluster) -> None:
    cluster.up()
    for name in ("steady", "fresh"):
        cluster.ok("run", "--image", "host", "--name", name, "--replicas", "1", "--", "sleep", "100000")
    epoch, first = cluster.json("status")["epoch"], ends(cluster)
    loads = [Load(cluster, "steady", fresh=False), Load(cluster, "fresh", fresh=True)]
    watch = Watch(cluster)
    threads = (*loads, watch)
    logged = len(cluster.logs())
    for each in threads:
        each.start()
    end = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < end or max(first.values()) > datetime.now(UTC):
            time.sleep(0.5)
            assert not watch.ended
    finally:
        for load in loads:
            load.ending.set()
        watch.close()
        for each in threads:
            each.join(30)
    assert [load.failures for load in loads] == [[], []]
    assert all(load.calls > _SECONDS for load in loads), "there was load"
    assert watch.lines > _SECONDS
    now = datetime.now(UTC)
    assert all(until > now for until in ends(cluster).values())
    assert cluster.json("status")["epoch"] == epoch
    kinds = {event["kind"] for event in cluster.json("events")}
    assert "node-down" not in kinds
    news = cluster.logs()[logged:]
    assert "cannot reach" not in news
    assert "was not renewed" not in news
    for name in (*cluster.managers, *cluster.workers):
        log = (cluster.data_dir / name / "log").read_text()
        assert log.count("the certificate was renewed") >= _SECONDS // _LIFE_S, log
