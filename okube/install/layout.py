"""Where Okube is on a machine that it was installed on.

Each release has a folder of its own, and none is ever changed: a process is upgraded by naming another one in its unit,
and goes back in the same way.
"""

from pathlib import PurePosixPath

import msgspec

__all__ = ["LAYOUT", "SYSTEM_USER", "Layout"]

SYSTEM_USER = "okube"
"""Managers run as this user; agents are root, for whoever may tell an engine what to do is that anyway."""


class Layout(msgspec.Struct, frozen=True):
    """The places, below ``root``, which is ``/`` but for a file system that is prepared for another machine."""

    root: PurePosixPath = PurePosixPath("/")

    @property
    def software(self) -> PurePosixPath:
        """All that is installed of Okube itself."""
        return self.root / "opt/okube"

    @property
    def versions(self) -> PurePosixPath:
        """A folder for each release."""
        return self.software / "versions"

    @property
    def current(self) -> PurePosixPath:
        """A link to the release whose ``okube`` people call on this machine; units name theirs themselves."""
        return self.software / "current"

    @property
    def command(self) -> PurePosixPath:
        """A link by which people call ``okube``."""
        return self.root / "usr/local/bin/okube"

    @property
    def settings(self) -> PurePosixPath:
        """The folder of what an operator may look at."""
        return self.root / "etc/okube"

    @property
    def cluster_file(self) -> PurePosixPath:
        """The machine's cluster.yaml."""
        return self.settings / "cluster.yaml"

    @property
    def keys(self) -> PurePosixPath:
        """``key_dir``: the keys of a manager's machine (0700)."""
        return self.settings / "keys"

    @property
    def data(self) -> PurePosixPath:
        """``data_dir``: a folder for each process of this machine."""
        return self.root / "var/lib/okube"

    @property
    def units(self) -> PurePosixPath:
        """Where units are that the operator or a program put there."""
        return self.root / "etc/systemd/system"

    def release(self, name: str) -> PurePosixPath:
        """The folder of a release, such as ``0.1.0-3fa9c1d2``."""
        return self.versions / name

    def program(self, release: str) -> PurePosixPath:
        """The ``okube`` of a release."""
        return self.release(release) / "bin/okube"

    def release_of(self, program: str) -> str | None:
        """The release that a program belongs to; None where it is none of ours."""
        folder, *inside = PurePosixPath(program).parts[len(self.versions.parts) :] or ("",)
        is_ours = PurePosixPath(program).is_relative_to(self.versions) and inside == ["bin", "okube"]
        return folder if is_ours else None


LAYOUT = Layout()
