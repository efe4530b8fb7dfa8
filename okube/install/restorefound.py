"""What a look at the machines means for a restore: who is made anew, who comes along, what is in the way. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from okube.config import ClusterConfig
from okube.install.release import Package
from okube.model.errors import Conflict
from okube.model.versions import COMMAND_VERSION
from okube.security.seed import Member, ProcessIdentity, Seed

__all__ = ["Found", "judge", "managers_before", "refuse_former", "refuse_living", "refuse_older"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Names of processes and nodes.

    Args:
        former: managers whose folders are on their machines: they are of before.
        new_workers: workers whose machines have nothing of them.
        kept: nodes that come along, with their containers.
        lost: nodes that the snapshot knows as others than those that there are now.
        apart: nodes that the snapshot knows, and of which nothing was seen: cluster.yaml does not name them, or their
            machines do not answer.
    """

    former: tuple[str, ...]
    new_workers: tuple[str, ...]
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    apart: tuple[str, ...]

    def says(self) -> Iterator[str]:
        """What becomes of nodes, for people."""
        if self.kept:
            yield f"{', '.join(self.kept)} {_come(self.kept)} along, with the containers that the snapshot knows."
        if self.lost:
            yield (
                f"{', '.join(self.lost)} of the snapshot {_are(self.lost)} gone, for others have that name now: what "
                "ran there is placed anew."
            )
        if self.apart:
            yield (
                f"{', '.join(self.apart)} of the snapshot {_are(self.apart)} not among the machines that answer: "
                "'okube nodes rm' forgets what does not come back."
            )


def judge(config: ClusterConfig, nodes: Mapping[str, str], installed: Mapping[str, ProcessIdentity | None]) -> Found:
    """Who is who.

    Args:
        config: cluster.yaml.
        nodes: instances of the snapshot's nodes, by name.
        installed: who each process of a machine that answers is, None where it has no folder there.
    """
    workers = [worker.name for worker in config.workers if worker.name in installed]
    kept = [name for name in workers if _instance(installed[name]) == nodes.get(name, "")]
    return Found(
        former=tuple(m.name for m in config.managers if installed.get(m.name) is not None),
        new_workers=tuple(name for name in workers if installed[name] is None),
        kept=tuple(kept),
        lost=tuple(name for name in workers if name in nodes and name not in kept),
        apart=tuple(name for name in sorted(nodes) if name not in workers),
    )


def refuse_former(found: Found) -> None:
    """Nobody but a person can tell whether what managers of before have is worth more than the snapshot.

    Raises:
        Conflict: there are some.
    """
    if found.former:
        raise Conflict(
            f"the machines of {', '.join(found.former)} have managers' folders of before, and nothing was changed: see "
            "that none of them holds more than the snapshot ('okube managers recover' goes on with one), then put them "
            "aside with --anew"
        )


def managers_before(config: ClusterConfig, seeds: Iterable[Seed]) -> list[Member]:
    """Managers that machines know from before, at addresses at which cluster.yaml has none."""
    now = {(m.host, m.port) for m in config.managers}
    known = {(m.host, m.port): m for seed in seeds for m in seed.members}
    return [member for place, member in sorted(known.items()) if place not in now]


def refuse_living(living: Sequence[Member]) -> None:
    """Where the cluster lives elsewhere, a second one would take its workers away.

    Raises:
        Conflict: some of these managers were heard.
    """
    if living:
        told = ", ".join(f"{member.name} at {member.host}:{member.port}" for member in living)
        raise Conflict(
            f"something answers where machines know managers of before ({told}), and nothing was changed: end them "
            "first, for one that lives has more than a snapshot; if they are none of the cluster's any more, say --anew"
        )


def refuse_older(package: Package) -> None:
    """Managers have to read the state that this very Okube makes of the snapshot.

    Raises:
        Conflict: those of the bundle cannot.
    """
    if package.manifest.command_version < COMMAND_VERSION:
        raise Conflict(
            f"{package.path} has Okube {package.manifest.version}, which cannot read what this newer Okube makes of "
            "the snapshot: name a bundle of this one with --bundle; 'make wheel-bundle' makes it"
        )


def _instance(identity: ProcessIdentity | None) -> str | None:
    return None if identity is None else identity.instance


def _come(names: tuple[str, ...]) -> str:
    return "comes" if len(names) == 1 else "come"


def _are(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"
