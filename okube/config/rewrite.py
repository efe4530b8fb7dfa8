"""cluster.yaml with a change in it: read, checked as a whole, and put in the place of the former file at once."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from okube.config.cluster import ClusterConfig
from okube.config.document import Document
from okube.config.load import cluster_of
from okube.config.yamldoc import load_documents
from okube.model.errors import BadFile, Conflict

__all__ = ["Rewritten", "rewritten"]


class Rewritten(msgspec.Struct, frozen=True):
    """A file and what it will say; nothing is written yet."""

    path: Path
    before: str
    text: str
    document: Document
    config: ClusterConfig

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.text != self.before

    def write(self) -> None:
        """Put it in the place of the file, whose mode and owner it keeps; a link stays one.

        Raises:
            Conflict: somebody else has changed the file meanwhile.
            BadFile: it cannot be written.
        """
        if not self.is_changed:
            return
        path = self.path.resolve()
        beside = path.with_name(f".{path.name}.new")
        try:
            if path.read_text(encoding="utf-8") != self.before:
                raise Conflict(f"{self.path} was changed meanwhile by somebody else: call this again")
            was = path.stat()
            with beside.open("w", encoding="utf-8") as file:
                file.write(self.text)
                os.fchmod(file.fileno(), was.st_mode & 0o7777)
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), was.st_uid, was.st_gid)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise BadFile(f"{self.path} cannot be written: {error.strerror}.") from error


def rewritten(path: Path, change: Callable[[str], str]) -> Rewritten:
    """What a change would make of cluster.yaml.

    Raises:
        BadFile: it cannot be read.
        InvalidInput: what comes out describes no cluster that can be.
        OkubeError: as the change does.
    """
    try:
        before = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}.") from error
    text = change(before)
    (document,) = load_documents(text, source=str(path))
    return Rewritten(path, before, text, document, cluster_of(document, path.absolute()))
