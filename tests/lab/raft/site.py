"""Three managers on hosts of their own, one of them with a small disk, and nothing but their log to look after."""

import shutil
import subprocess
from pathlib import Path

from tests.lab.cluster import Cluster
from tests.lab.leftovers import unmount_below
from tests.lab.mesh import Mesh

__all__ = ["MANAGERS", "SMALL", "Site"]

MANAGERS = ("m1", "m2", "m3")
SMALL = "m3"
"""The manager whose folder is a disk of its own."""
_SMALL_DISK = "96m"


class Site:
    """The cluster and its network; `destroy` leaves nothing of either."""

    def __init__(self, folder: Path, *, workers: int = 0) -> None:
        self.killed: set[str] = set()
        self._folder = folder
        hosts = [*MANAGERS, *(f"w{number + 1}" for number in range(workers))]
        self.mesh = Mesh(hosts)
        try:
            self.cluster = Cluster(folder, runtime="process", managers=len(MANAGERS), workers=workers, mesh=self.mesh)
            self.small_disk = self.cluster.data_dir / SMALL
            self.cluster.up()
            self._move_to_small_disk()
            self.cluster.wait(self.cluster.complete, "all managers take part")
        except BaseException:
            self.destroy()
            raise

    def url(self, manager: str) -> str:
        """Where a manager answers."""
        described = next(m for m in self.cluster.described["managers"] if m["name"] == manager)
        return f"https://{described['host']}:{described['port']}"

    @property
    def token(self) -> str:
        """The admin's."""
        return (self.cluster.data_dir / "admin" / "token").read_text().strip()

    def kill(self, manager: str) -> None:
        """kill -9."""
        self.killed.add(manager)
        self.cluster.kill(manager)

    def start(self, manager: str) -> None:
        """Start one that was killed."""
        self.cluster.bring_up(manager)
        self.killed.discard(manager)

    def ended_by_themselves(self) -> list[str]:
        """The managers that run no more although nobody killed them."""
        return [name for name in MANAGERS if name not in self.killed and self.cluster.pid(name) is None]

    def elections(self) -> int:
        """How often somebody became leader so far, by the logs."""
        return self.cluster.logs().count("okube.manager.leader: leading in epoch")

    def agree(self) -> bool:
        """Whether all managers are at one revision with one digest."""
        managers = self.cluster.json("status")["managers"]
        return len({(m["revision"], m["digest"]) for m in managers}) == 1 and managers[0]["digest"] is not None

    def _move_to_small_disk(self) -> None:
        self.kill(SMALL)
        aside = self._folder / "aside"
        self.small_disk.rename(aside)
        self.small_disk.mkdir(mode=0o700)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK},mode=700", "okube-soak", str(self.small_disk)]
        subprocess.run(mount, check=True, capture_output=True)
        shutil.copytree(aside, self.small_disk, dirs_exist_ok=True)
        shutil.rmtree(aside)
        self.start(SMALL)

    def destroy(self) -> None:
        """End everything."""
        try:
            if hasattr(self, "cluster"):
                self.mesh.heal()
                self.cluster.destroy(before_removal=lambda: unmount_below(self._folder))
        finally:
            self.mesh.destroy()
