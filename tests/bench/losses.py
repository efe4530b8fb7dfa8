"""What the loss of a process costs: a leader under writes, a node with its containers."""

import itertools
import os
import signal
import threading
import time
from statistics import median

from okube.client.address import parse_addresses
from okube.client.api import OkubeClient
from okube.client.credentials import find_credentials
from okube.client.memory import NoMemory
from okube.client.retry import Caller
from okube.model.errors import OkubeError
from tests.bench.site import Site
from tests.lab.engine import wait_until

__all__ = ["failovers", "node_losses"]


class _Writer:
    """Writes one after the other as fast as they are acknowledged, in a thread, with the client library."""

    def __init__(self, client: OkubeClient, image: str) -> None:
        self.acknowledged: list[float] = []
        self.errors: list[str] = []
        self._client = client
        self._image = image
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def wait_for(self, more: int) -> None:
        """Wait until so many more writes were acknowledged."""
        goal = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= goal, f"{more} more writes are acknowledged")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _write(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            spec = {"name": "written", "image": self._image, "replicas": 0, "env": {"N": str(number)}}
            try:
                self._client.apply([spec])
            except OkubeError as error:
                self.errors.append(str(error))
            else:
                self.acknowledged.append(time.monotonic())


def failovers(site: Site, *, rounds: int) -> dict[str, float]:
    """kill -9 of the leader, which the writer talks to, until the next acknowledged write."""
    took = []
    for _ in range(rounds):
        leader = site.cluster.leader()
        writer = _Writer(_client(site, first=leader), site.engine.image)
        try:
            writer.wait_for(20)
            killed = time.monotonic()
            site.cluster.signal(leader, signal.SIGKILL)
            time.sleep(1.0)
            writer.wait_for(50)
        finally:
            writer.stop()
        assert not writer.errors, writer.errors
        took.append(_pause_after(writer.acknowledged, killed))
        site.cluster.up()
    site.cluster.ok("rm", "written")
    return {"failover_kill_s": median(took), "failover_kill_worst_s": max(took)}


def node_losses(site: Site, *, rounds: int) -> dict[str, float]:
    """An agent and its containers are killed until the replacement runs, by the engine's event."""
    site.okube_run("held", "--replicas", "3")
    took = []
    for _ in range(rounds):
        lost = next(task for task in site.cluster.ready("held") if task["node"] == "w2")
        before = len(site.starts.where("okube.service", "held"))
        pid = site.cluster.pid("w2")
        assert pid is not None
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        site.docker("kill", lost["container_id"])
        took.append(site.starts.wait("okube.service", "held", count=before + 1)[before].at_s - killed)
        site.cluster.up()
        _spread(site)
    site.cluster.ok("rm", "held")
    return {"node_loss_s": median(took), "node_loss_worst_s": max(took)}


def _spread(site: Site) -> None:
    """Have each node hold a task again: `w2` came back empty."""
    site.cluster.ok("scale", "held=0")
    site.cluster.ok("scale", "held=3")


def _client(site: Site, *, first: str) -> OkubeClient:
    described = {m["name"]: f"https://127.0.0.1:{m['port']}" for m in site.cluster.described["managers"]}
    order = [described.pop(first), *described.values()]
    credentials = find_credentials(site.cluster.data_dir / "admin")
    return OkubeClient(Caller(parse_addresses(",".join(order)), credentials, memory=NoMemory()))


def _pause_after(acknowledged: list[float], killed: float) -> float:
    """From the kill to the end of the longest pause after it: an answer that was on its way already ends none."""
    points = [killed, *(at for at in acknowledged if at > killed)]
    _, end = max((after - before, after) for before, after in itertools.pairwise(points))
    return end - killed
