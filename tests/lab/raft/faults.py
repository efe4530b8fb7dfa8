"""What is done to the managers, and undone: one class of fault each, begun and ended by whoever plays them."""

import contextlib
import random
import signal
from collections.abc import Iterator
from typing import Protocol

from tests.lab.raft.site import MANAGERS, SMALL, Site

__all__ = ["FAULTS", "OF_LINKS", "Fault"]


class Fault(Protocol):
    """Holds while the context lasts; what comes back is said in the report's story."""

    def __call__(self, site: Site, rng: random.Random, leader: str) -> contextlib.AbstractContextManager[str]:
        """Begin it; the leader is whom it should often hit."""


@contextlib.contextmanager
def _killed(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    victim = _often(leader, rng)
    site.kill(victim)
    try:
        yield f"kill -9 of {victim}"
    finally:
        site.start(victim)


@contextlib.contextmanager
def _stopped(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    victim = _often(leader, rng)
    site.cluster.signal(victim, signal.SIGSTOP)
    try:
        yield f"SIGSTOP of {victim}"
    finally:
        site.cluster.signal(victim, signal.SIGCONT)


@contextlib.contextmanager
def _cut_off(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    victim = _often(leader, rng)
    with _shaped(site, victim, _others(victim), up=0):
        yield f"all links of {victim} to the others are down"


@contextlib.contextmanager
def _one_link_down(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    one, other = rng.sample(MANAGERS, 2)
    with _shaped(site, one, other, up=0):
        yield f"the link between {one} and {other} is down"


@contextlib.contextmanager
def _one_way(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    victim = _often(leader, rng)
    others = _others(victim)
    sources, destinations = rng.choice([(victim, others), (others, victim)])
    with _shaped(site, sources, destinations, both=False, up=0):
        yield f"nothing gets from {sources} to {destinations}"


@contextlib.contextmanager
def _slow_links(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    all_of_them = ",".join(MANAGERS)
    with _shaped(site, all_of_them, all_of_them, delay_ms=200):
        yield "200 ms of delay between all managers, each way"


@contextlib.contextmanager
def _lossy_links(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    all_of_them = ",".join(MANAGERS)
    with _shaped(site, all_of_them, all_of_them, loss=0.2):
        yield "20 % of all frames between managers are lost"


@contextlib.contextmanager
def _full_disk(site: Site, rng: random.Random, leader: str) -> Iterator[str]:
    filler = site.small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield f"the disk of {SMALL} is full"
    finally:
        filler.unlink()


@contextlib.contextmanager
def _shaped(site: Site, sources: str, destinations: str, *, both: bool = True, **values: float) -> Iterator[None]:
    perfect = {"up": 1.0, "delay_ms": 0.0, "loss": 0.0}
    site.mesh.shape(sources, destinations, both=both, **values)
    try:
        yield
    finally:
        site.mesh.shape(sources, destinations, both=both, **{name: perfect[name] for name in values})


def _often(leader: str, rng: random.Random) -> str:
    return leader if rng.random() < 0.6 else rng.choice(MANAGERS)


def _others(manager: str) -> str:
    return ",".join(each for each in MANAGERS if each != manager)


FAULTS: dict[str, Fault] = {
    "kill -9": _killed,
    "SIGSTOP": _stopped,
    "links down": _cut_off,
    "partial partition": _one_link_down,
    "one-way partition": _one_way,
    "200 ms delay": _slow_links,
    "20 % loss": _lossy_links,
    "disk full": _full_disk,
}

OF_LINKS = ("links down", "partial partition", "one-way partition", "200 ms delay", "20 % loss")
"""Those that may come on top of another one."""
