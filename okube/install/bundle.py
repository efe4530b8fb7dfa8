"""The wheel bundle: Okube and all that it needs, in one file, for machines that reach no package index.

``python -m okube.install.bundle`` makes it, which is what ``make wheel-bundle`` runs. It is a tar file whose first
member is the manifest: the sum of each wheel, and which of them each Python takes. All that is in it is what this very
Okube runs with, version for version: so what is installed is what was tried.
"""

import argparse
import gzip
import hashlib
import importlib.metadata
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from okube.install.unpack import MANIFEST, release_name, target_of
from okube.model.errors import BadFile, OkubeError
from okube.model.versions import COMMAND_VERSION

__all__ = ["BundleFailed", "Manifest", "Target", "find_bundle", "make_bundle", "read_manifest", "write_bundle"]

_PLATFORMS = ("manylinux2014", "manylinux_2_17", "manylinux_2_26", "manylinux_2_27", "manylinux_2_28")
_GLIBC_LEAST = (2, 17)
_GLIBC = re.compile(r"manylinux_(\d+)_(\d+)_")
_BEGINNING_OF_TIME = 315532800  # 1980-01-01, the first that a zip file can name


class BundleFailed(OkubeError):
    """A bundle cannot be made, and why."""

    kind = "bundle-failed"


class Target(msgspec.Struct, frozen=True):
    """What one Python on one kind of machine takes, and the oldest glibc that all of it runs with."""

    glibc: str
    wheels: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle holds.

    ``command_version`` is what its Okube knows of the log (see ``okube.model.versions``); ``wheels`` leads from file
    names to their SHA-256, ``targets`` from ``3.11-x86_64`` to what such a machine takes.
    """

    format: int = 1
    version: str
    command_version: int
    wheels: dict[str, str]
    targets: dict[str, Target]

    @property
    def release(self) -> str:
        """The name of the folder that it becomes on a machine."""
        return release_name(self.encoded())

    def encoded(self) -> bytes:
        """As the bundle has it."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=1) + b"\n"


def read_manifest(bundle: Path) -> Manifest:
    """What is in a bundle.

    Raises:
        BadFile: it cannot be read, or is none.
    """
    try:
        with tarfile.open(bundle) as archive:
            first = archive.next()
            file = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
            if file is None:
                raise BadFile(f"{bundle} is no bundle of Okube: make one with 'make wheel-bundle'.")
            return msgspec.json.decode(file.read(), type=Manifest)
    except (OSError, EOFError, tarfile.TarError, msgspec.MsgspecError) as error:
        raise BadFile(f"{bundle} cannot be read as a bundle of Okube: {error}.") from error


def find_bundle(folders: Iterable[Path]) -> Path | None:
    """The newest bundle in the first of the folders that has any."""
    for folder in folders:
        found = sorted(folder.glob("okube-*-bundle.tar.gz"), key=lambda path: path.stat().st_mtime)
        if found:
            return found[-1]
    return None


def make_bundle(source: Path, folder: Path, pythons: Sequence[str] = ()) -> Path:
    """Make the bundle of this Okube.

    Args:
        source: its source tree, or a wheel of it.
        folder: where the file goes.
        pythons: versions such as ``3.12`` that it is for besides this interpreter's own.

    Raises:
        BundleFailed: pip finds no wheel for something, or cannot build one.
    """
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory(prefix="okube-bundle-") as scratch:
        kept = Path(scratch, "constraints.txt")
        kept.write_text("".join(f"{name}=={version}\n" for name, version in _running_with()))
        wheels = {own: Path(scratch, own)}
        from_ = source if source.is_file() else _sources(source, Path(scratch, "source"))
        _pip("wheel", "--wheel-dir", str(wheels[own]), "--constraint", str(kept), str(from_))
        okube = next(wheels[own].glob("okube-*.whl"))
        for python in dict.fromkeys(pythons):
            if python != own:
                wheels[python] = Path(scratch, python)
                _download(python, wheels[python], wheels[own], kept, okube)
        return write_bundle({python: sorted(path.glob("*.whl")) for python, path in wheels.items()}, folder)


def write_bundle(wheels: dict[str, list[Path]], folder: Path, *, command_version: int = COMMAND_VERSION) -> Path:
    """Write a bundle of wheels, by the version of the Python that takes them; equal wheels make an equal file."""
    files = {path.name: path for those in wheels.values() for path in those}
    version = next(name.split("-")[1] for name in files if name.startswith("okube-"))
    manifest = Manifest(
        version=version,
        command_version=command_version,
        wheels={name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in sorted(files)},
        targets={target_of(python, platform.machine()): _target(those) for python, those in sorted(wheels.items())},
    )
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"okube-{version}-bundle.tar.gz"
    making = final.with_name(f".{final.name}.making")
    with (
        making.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=_BEGINNING_OF_TIME) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, MANIFEST, manifest.encoded())
        for name in sorted(files):
            _add(archive, f"wheels/{name}", files[name].read_bytes())
    making.replace(final)
    return final


def _sources(tree: Path, copy: Path) -> Path:
    """What the package is made of, alone: setuptools would take what an earlier build left in the tree."""
    shutil.copytree(tree / "okube", copy / "okube", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(tree / name, copy / name)
    return copy


def _running_with() -> Iterator[tuple[str, str]]:
    """What this environment holds, which is more than Okube needs; as constraints it does no harm."""
    for found in importlib.metadata.distributions():
        if found.name != "okube":
            yield found.name, found.version


def _download(python: str, into: Path, beside: Path, kept: Path, okube: Path) -> None:
    """Wheels for another Python than this; what was built here and is of no Python's own serves it too."""
    words = ["--dest", str(into), "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    words += ["--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
    for name in _PLATFORMS:
        words += ["--platform", f"{name}_{platform.machine()}"]
    _pip("download", *words, "--find-links", str(beside), "--constraint", str(kept), str(okube))


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "--quiet"],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(_BEGINNING_OF_TIME)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        raise BundleFailed("\n".join(["pip finds or builds no wheels:", *said[-8:]]))


def _target(wheels: list[Path]) -> Target:
    least = [_GLIBC_LEAST]
    for path in wheels:
        found = [(int(major), int(minor)) for major, minor in _GLIBC.findall(path.name)]
        if found:
            least.append(min(found))  # a wheel of several tags runs with the oldest of them
    return Target(".".join(map(str, max(least))), tuple(sorted(path.name for path in wheels)))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(data), _BEGINNING_OF_TIME, 0o644
    archive.addfile(entry, io.BytesIO(data))


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m okube.install.bundle", description="Make the wheel bundle.")
    parser.add_argument("--source", type=Path, default=Path())
    parser.add_argument("--folder", type=Path, default=Path("dist"))
    parser.add_argument("pythons", nargs="*", metavar="VERSION", help="of Python, besides the one that runs this")
    given = parser.parse_args(arguments)
    try:
        path = make_bundle(given.source, given.folder, given.pythons)
    except OkubeError as error:
        sys.exit(error.detail)
    manifest = read_manifest(path)
    size = path.stat().st_size / 1e6
    sys.stdout.write(f"{path} ({size:.0f} MB): release {manifest.release}, for Python {', '.join(manifest.targets)}\n")


if __name__ == "__main__":
    _main()
