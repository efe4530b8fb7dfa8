"""The folder of the cluster's keys on one machine: outside of ``data_dir``, so that no copy of that holds them."""

from pathlib import Path

import msgspec

from okube.model.errors import BadFile, InvalidInput
from okube.security.keyring import UnlockKey
from okube.security.private import read_private, write_private

__all__ = ["KeyFiles", "read_key"]


class KeyFiles(msgspec.Struct, frozen=True):
    """``key_dir`` of cluster.yaml."""

    root: Path

    @property
    def unlock_key(self) -> Path:
        """The unlock key (0600); not there with ``autolock``."""
        return self.root / "unlock.key"

    @property
    def ca_key(self) -> Path:
        """The key of the CA (0600), on the machine that made the cluster; see ``okube.security.authorityfiles``."""
        return self.root / "ca.key"

    def former(self, key_id: str) -> Path:
        """An unlock key from before, with which snapshots of that time open; or one that is about to be in use."""
        return self.root / f"unlock-{key_id}.key"

    def read(self) -> UnlockKey | None:
        """The unlock key; None where there is none.

        Raises:
            BadFile: it is damaged, or others could have read it.
        """
        return read_key(self.unlock_key) if self.unlock_key.exists() else None

    def find(self, key_id: str) -> UnlockKey | None:
        """The unlock key of that id, be it the one in use or a former one. Raises what ``read`` raises."""
        current = self.read()
        if current is not None and current.id == key_id:
            return current
        return read_key(self.former(key_id)) if self.former(key_id).exists() else None

    def write(self, key: UnlockKey) -> None:
        """Keep the unlock key; another one that was there is kept as a former one."""
        before = self.read()
        if before == key:
            return
        if before is not None:
            self.put_aside(before)
        write_private(self.unlock_key, f"{key.text}\n".encode())
        self.former(key.id).unlink(missing_ok=True)

    def put_aside(self, key: UnlockKey) -> None:
        """Keep a key that is not in use, where ``find`` finds it."""
        write_private(self.former(key.id), f"{key.text}\n".encode())

    def forget(self) -> None:
        """Have no unlock key on this disk any more: neither the one in use nor former ones."""
        for path in (self.unlock_key, *sorted(self.root.glob("unlock-*.key"))):
            path.unlink(missing_ok=True)


def read_key(path: Path) -> UnlockKey:
    """The unlock key in any file.

    Raises:
        BadFile: it is missing or damaged, or others could have read it.
    """
    try:
        return UnlockKey.parse(read_private(path).decode("ascii"))
    except (InvalidInput, UnicodeDecodeError) as error:
        raise BadFile(
            f"{path} is damaged: it holds no unlock key. Take it from another manager's machine, or from where you "
            "keep a copy."
        ) from error
