"""Wheel bundles for the lab: of this Okube, and of one that passes for the next version."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from tarfile import open as open_tar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from okube.install.bundle import read_manifest, write_bundle
from okube.install.layout import LAYOUT

__all__ = ["BROKEN", "next_bundle", "this_bundle", "unpacked"]

_ROOT = Path(__file__).parents[3]
#: What a version says whose processes end as soon as they are started.
BROKEN = 'raise SystemExit("this version does not start")\n'


def this_bundle(folder: Path) -> Path:
    """A bundle of the checkout and of what is installed beside it: what `make wheel-bundle` makes, in seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    wheels = [_packed(distribution(name), folder) for name in sorted(_needed("okube"))]
    try:
        return write_bundle({f"{sys.version_info[0]}.{sys.version_info[1]}": wheels}, folder)
    finally:
        for wheel in wheels:
            wheel.unlink()


def next_bundle(bundle: Path, folder: Path, version: str, *, start: str | None = None) -> Path:
    """The same Okube under another version; ``start`` stands in place of what its processes start with."""
    with open_tar(bundle) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    manifest = read_manifest(bundle)
    wheels = {path.name: path for path in (folder / "unpacked/wheels").glob("*.whl")}
    (okube,) = (path for name, path in wheels.items() if name.startswith("okube-"))
    other = _renamed(okube, version, start)
    targets = {
        target.rpartition("-")[0]: [other if name == okube.name else wheels[name] for name in found.wheels]
        for target, found in manifest.targets.items()
    }
    return write_bundle(targets, folder)


def unpacked(bundles: Sequence[Path], folder: Path) -> Path:
    """Releases of bundles as ``Rack`` gives them to hosts: made once, where each host would make them."""
    program = _ROOT / "okube/install/unpack.py"
    for bundle in bundles:
        words = ["/usr/bin/python3", "-I", "-B", str(program), str(bundle), str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
        release = json.loads(done.stdout)["release"]
        command = folder / release / "bin/okube"  # it names its Python, where it will be
        command.write_text(command.read_text().replace(str(folder), str(LAYOUT.versions)))
    return folder


def _renamed(wheel: Path, version: str, start: str | None) -> Path:
    """A wheel with another version in its name, its metadata and its code."""
    before = wheel.name.split("-")[1]
    other = wheel.with_name(wheel.name.replace(f"-{before}-", f"-{version}-"))
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "okube/__init__.py":
                data = re.sub(rb'__version__ = ".*"', f'__version__ = "{version}"'.encode(), data)
            elif name.endswith(".dist-info/METADATA"):
                data = re.sub(rb"(?m)^Version: .*$", f"Version: {version}".encode(), data)
            elif start is not None and name == "okube/cli/start.py":
                data = start.encode()
            new.writestr(name.replace(f"okube-{before}.dist-info", f"okube-{version}.dist-info"), data)
    return other


def _needed(name: str) -> set[str]:
    """A distribution and all that it needs here, without extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            needed = [Requirement(line) for line in distribution(name).requires or ()]
            waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def _packed(found: Distribution, folder: Path) -> Path:
    """The wheel that a distribution was installed from, as far as it was installed."""
    tags = re.findall(r"(?m)^Tag: (.*)$", found.read_text("WHEEL") or "Tag: py3-none-any")
    tag = next((tag for tag in tags if "manylinux_" in tag), tags[0])
    wheel = folder / f"{found.name.replace('-', '_')}-{found.version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, path in _this_okube() if found.name == "okube" else _files(found):
            packed.write(path, name)
        if found.name == "okube":
            described = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
            packed.writestr(f"okube-{found.version}.dist-info/METADATA", described)
    return wheel


def _files(found: Distribution) -> Iterator[tuple[str, Path]]:
    for file in found.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            yield str(file), Path(str(found.locate_file(file)))


def _this_okube() -> Iterator[tuple[str, Path]]:
    """The checkout itself is in use, and only its description is installed."""
    for path in sorted((_ROOT / "okube").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(_ROOT)), path
