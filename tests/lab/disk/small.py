"""Managers whose folders are disks of their own, small enough to be filled."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from tests.lab.cluster import Cluster

__all__ = ["SmallDisks"]


class SmallDisks:
    """One for each manager of a cluster that was started and is down; `remove` them before the cluster is destroyed."""

    def __init__(self, cluster: Cluster, size: str) -> None:
        self._folders = {name: cluster.data_dir / name for name in cluster.managers}
        for folder in self._folders.values():
            before = folder.rename(folder.with_name(f".{folder.name}"))
            folder.mkdir(mode=0o700)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], check=True)
            subprocess.run(["cp", "-a", f"{before}/.", folder], check=True)
            shutil.rmtree(before)

    def fill(self, name: str) -> None:
        """Another program writes until there is no room left."""
        with contextlib.suppress(OSError), self._filler(name).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        with contextlib.suppress(OSError), self._filler(name).open("ab", buffering=0) as file:
            while True:
                file.write(bytes(512))

    def make_room(self, name: str) -> None:
        """What filled the disk is removed."""
        self._filler(name).unlink()

    def used(self, name: str) -> int:
        """Bytes that the manager's own files take."""
        return sum(path.stat().st_size for path in self._folders[name].rglob("*") if path.is_file())

    def remove(self) -> None:
        """Unmount all."""
        for folder in self._folders.values():
            subprocess.run(["umount", "-l", folder], check=False)

    def _filler(self, name: str) -> Path:
        return self._folders[name] / "filler"
