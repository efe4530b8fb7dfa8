"""In which order a cluster gets another release, and when it had better not: pure; ``upgrading`` carries it out.

Who runs which release is read from the machines each time, so that an upgrade that was interrupted goes on where it
was: managers one by one, the leader last, each waited for; then workers in batches. Containers are touched by none of
it.
"""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from okube.install.bundle import Manifest

__all__ = ["Part", "former_of", "how_to_go_on", "next_batch", "refusal", "version_of"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A manager or worker: which release its unit names, which one runs, and how the cluster sees it.

    ``named`` is None where there is no unit, ``runs`` where no process runs; ``machine`` is its host.
    """

    role: Literal["manager", "worker"]
    name: str
    machine: str
    named: str | None
    runs: str | None
    is_ready: bool
    leads: bool = False

    def has(self, release: str) -> bool:
        """Whether it runs the release, now and when it is started again."""
        return self.named == self.runs == release


def version_of(release: str) -> str:
    """``0.1.0`` of ``0.1.0-3fa9c1d2``."""
    return release.rpartition("-")[0]


def refusal(
    parts: Sequence[Part],
    manifest: Manifest,
    *,
    quorum: bool,
    command_version: int,
    back: bool = False,
    away: Sequence[str] = (),
) -> str | None:
    """Why the upgrade must not begin or go on now, in a sentence with what helps; None where it may.

    Args:
        parts: all managers and workers that can be reached.
        manifest: of the bundle.
        quorum: whether the managers can decide.
        command_version: what is in use in the log.
        back: an older version is meant.
        away: managers that are not ready, on machines that cannot be reached.
    """
    without = [part.name for part in parts if part.named is None]
    if without:
        return (
            f"{_listed(without)} {_have(without)} no unit of Okube's on {_their(without)} machine: "
            "'okube cluster install' makes it"
        )
    if not quorum:
        return "the managers have no quorum: bring a majority of them back first ('okube status')"
    down = [
        *away,
        *(
            part.name
            for part in parts
            if part.role == "manager"
            and not part.is_ready
            and part.named != manifest.release  # else it is being switched
        ),
    ]
    if down:
        return (
            f"{_listed(down)} {_are(down)} not ready, and an upgrade takes one more manager away for a moment: "
            "bring all of them back first ('okube managers')"
        )
    if manifest.command_version < command_version:
        return (
            f"Okube {manifest.version} knows command version {manifest.command_version}, and the managers have written "
            f"what needs {command_version}: it could not read their log. There is no way back to it but to restore a "
            "snapshot that is older"
        )
    newer = max((version_of(part.named or "") for part in parts), key=_order, default=manifest.version)
    if _order(manifest.version) < _order(newer) and not back:
        return (
            f"{manifest.version} is older than {newer}, which runs now. It knows all that was written so far, so that "
            "going back to it is possible: say --back if it is meant"
        )
    return None


def next_batch(parts: Sequence[Part], release: str, size: int) -> tuple[Part, ...]:
    """Who is to get the release next, all at once; nobody where all have it.

    Managers come one at a time, the leader last; workers after them, ``size`` at a time. A manager that is away because
    it was being switched when all was interrupted comes first.
    """
    managers = [part for part in parts if part.role == "manager" and not (part.has(release) and part.is_ready)]
    if managers:
        return (min(managers, key=lambda part: (part.is_ready, part.leads)),)
    return tuple(part for part in parts if part.role == "worker" and not part.has(release))[:size]


def former_of(part: Part, parts: Sequence[Part], release: str) -> str | None:
    """What a process ran before; where its unit says so no more, what others still have. None where nothing tells."""
    named = [each.named for each in (part, *parts) if each.named is not None and each.named != release]
    return named[0] if named else None


def how_to_go_on(parts: Sequence[Part], release: str, former: str) -> str:
    """What an upgrade that stopped leaves, and the two ways from there."""
    done = [part.name for part in parts if part.has(release)]
    new, old = _told_apart(release, former)
    if not done:
        return f"All run {old} as before. When that is mended, 'okube cluster upgrade' begins anew."
    return (
        f"{_listed(done)} {_run(done)} {new} and the others {old}, which may stay so. When that is mended, 'okube "
        f"cluster upgrade' goes on with the others; with the bundle of {old} and --back all run that again."
    )


def _told_apart(release: str, former: str) -> tuple[str, str]:
    """Versions, or whole releases where both are of one version."""
    new, old = version_of(release), version_of(former)
    return (release, former) if new == old else (new, old)


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Something that compares as versions do; what follows the numbers (``rc1``) comes before the version itself."""
    found = re.match(r"(\d+(?:\.\d+)*)(.*)", version)
    if found is None:
        return ((), False, version)
    return (tuple(int(part) for part in found[1].split(".")), not found[2], found[2])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _have(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _run(names: Sequence[str]) -> str:
    return "runs" if len(names) == 1 else "run"


def _their(names: Sequence[str]) -> str:
    return "its" if len(names) == 1 else "their"
