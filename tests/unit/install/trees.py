"""Tar archives as an installation sends them."""

import io
import tarfile
from collections.abc import Mapping

__all__ = ["a_tree"]


def a_tree(files: Mapping[str, bytes]) -> bytes:
    """An archive of files, with the folders that they are in."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
