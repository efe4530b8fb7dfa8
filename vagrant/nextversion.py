"""A bundle of a version that there is not yet: this Okube under the next number, so that an upgrade can be tried."""

import re
import shutil
import tempfile
from pathlib import Path

from okube.install.bundle import make_bundle
from okube.model.errors import BadFile

__all__ = ["bundle_of_next_version", "next_version"]

_VERSION = re.compile(r'^version = "(?P<version>[^"]+)"$', re.MULTILINE)
_SOURCES = ("pyproject.toml", "README.md", "LICENSE")


def bundle_of_next_version(checkout: Path, folder: Path) -> Path:
    """Make it of a checkout, which is left as it is.

    Raises:
        BadFile: its pyproject.toml tells no version.
        BundleFailed: pip finds no wheels.
    """
    with tempfile.TemporaryDirectory(prefix="okube-next-") as scratch:
        copy = Path(scratch)
        shutil.copytree(checkout / "okube", copy / "okube", ignore=shutil.ignore_patterns("__pycache__"))
        for name in _SOURCES:
            shutil.copy2(checkout / name, copy / name)
        described = copy / "pyproject.toml"
        described.write_text(with_next_version(described.read_text()))
        return make_bundle(copy, folder)


def with_next_version(text: str) -> str:
    """A pyproject.toml with the next version in it."""
    if _VERSION.search(text) is None:
        raise BadFile('pyproject.toml tells no version: a line such as version = "0.1.0" is missing.')
    return _VERSION.sub(lambda found: f'version = "{next_version(found["version"])}"', text, count=1)


def next_version(version: str) -> str:
    """The version whose last number is one more: ``0.1.0`` leads to ``0.1.1``."""
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}"
