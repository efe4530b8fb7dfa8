"""Which release is installed: the one that runs, else that of the bundle that is named, found or made."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

import okube
from okube.install.bundle import Manifest, find_bundle, make_bundle, read_manifest
from okube.install.facts import Facts
from okube.install.installed import entries_of, installed_of
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, Layout
from okube.model.errors import BadFile, Conflict

__all__ = ["Package", "bundle_for", "release_that_runs", "see_to_release"]

_FOLDER = "dist"


class Package(msgspec.Struct, frozen=True):
    """A bundle, and what it holds."""

    path: Path
    manifest: Manifest


def bundle_for(named: Path | None) -> Package:
    """The bundle that is named; else the newest in ``dist``, here or beside Okube's sources; else one that is made now.

    Raises:
        BadFile: it cannot be read, or there is none and none can be made here.
        BundleFailed: it cannot be made.
    """
    if named is not None:
        return Package(named, read_manifest(named))
    sources = Path(okube.__file__).resolve().parents[1]
    found = find_bundle((Path(_FOLDER), sources / _FOLDER))
    if found is None:
        if not (sources / "pyproject.toml").is_file():
            raise BadFile(
                "There is no bundle of Okube here: make one with 'make wheel-bundle' where its sources are, and name "
                "it with --bundle."
            )
        found = make_bundle(sources, sources / _FOLDER)
    return Package(found, read_manifest(found))


def release_that_runs(machines: Iterable[Machine], facts: Mapping[str, Facts], layout: Layout = LAYOUT) -> str | None:
    """The release of the processes that run; None where none does.

    Raises:
        Conflict: they run several, so an upgrade was begun and is not at its end.
        BadFile: a file on a machine is damaged.
    """
    running: dict[str, list[str]] = {}
    for machine in machines:
        for entry in entries_of(machine) if machine.host in facts else ():
            there = installed_of(facts[machine.host], entry, layout)
            if there.unit.runs and there.release is not None:
                running.setdefault(there.release, []).append(entry.name)
    if len(running) > 1:
        told = "; ".join(f"{release}: {', '.join(names)}" for release, names in sorted(running.items()))
        raise Conflict(f"the cluster runs several releases ({told}): 'okube cluster upgrade' brings it to its end")
    return next(iter(running), None)


def see_to_release(running: str | None, package: Package | None, *, named: bool) -> str:
    """The release that is to be installed.

    Raises:
        Conflict: another one runs than the bundle holds.
    """
    if package is None:
        assert running is not None
        return running
    release = package.manifest.release
    if running is not None and running != release:
        which = "the bundle that was named" if named else f"the bundle {package.path}"
        raise Conflict(
            f"the cluster runs Okube {running}, and {which} is {release}: bring the cluster there first, with 'okube "
            f"cluster upgrade', or name a bundle of {running} with --bundle"
        )
    return release
