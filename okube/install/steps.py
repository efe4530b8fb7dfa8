"""What can be done to a machine, as data: ``onsite/apply.py`` carries it out there.

Each step looks at what is there before it changes anything, and changes a path at once or not at all. So a list of them
may be cut off anywhere and sent again.
"""

import msgspec

__all__ = ["LOCK", "Account", "Applied", "File", "Folder", "Gone", "Link", "Order", "Packages", "Run", "Step", "Tree"]


class _Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="do"):
    """``why`` tells people what is done, and what differs."""

    why: str


class Account(_Step, frozen=True, kw_only=True, tag="account"):
    """Have an account of the system, without a password or a shell."""

    name: str
    home: str


class Folder(_Step, frozen=True, kw_only=True, tag="folder"):
    """Have a folder, with those above it."""

    path: str
    mode: int = 0o755
    owner: str = "root"


class File(_Step, frozen=True, kw_only=True, tag="file"):
    """Have a file with this content."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"


class Link(_Step, frozen=True, kw_only=True, tag="link"):
    """Have a symbolic link."""

    path: str
    target: str


class Tree(_Step, frozen=True, kw_only=True, tag="tree"):
    """Have a folder with the files of a tar archive; one that is there is left as it is."""

    path: str
    archive: bytes
    owner: str = "root"


class Gone(_Step, frozen=True, kw_only=True, tag="gone"):
    """Have no file or link of that path."""

    path: str


class Packages(_Step, frozen=True, kw_only=True, tag="packages"):
    """Have packages of the distribution (Debian, Ubuntu and their kin)."""

    names: tuple[str, ...]


class Run(_Step, frozen=True, kw_only=True, tag="run"):
    """Run a command."""

    words: tuple[str, ...]


LOCK = "/run/okube-install.lock"
"""Held on a machine while something is changed there: whoever lost the connection may be at it still."""

Step = Account | Folder | File | Link | Tree | Gone | Packages | Run


class Order(msgspec.Struct, frozen=True):
    """Steps for one machine. ``lock`` is held there meanwhile, so that two who install do not meet."""

    steps: tuple[Step, ...]
    lock: str = LOCK


class Applied(msgspec.Struct, frozen=True):
    """How far it went: how many steps were done, and why it ended before the last; empty where it did not."""

    done: int
    problem: str = ""
