"""A Docker Engine of the tests' own: beside any other on the machine, and gone without a trace at the end.

It has its own data root, exec root, socket, bridge, subnet and cgroup, and never touches packet filters or routing, so
several run side by side. It needs root, ``dockerd``, ``ip`` and a static ``busybox``; systemd it does not need.
"""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import docker
import docker.errors
import requests.exceptions

from okube.worker.runtime.docker.transport import connect
from tests.lab.leftovers import kill_all, pids_below, pids_mentioning, remove_cgroups, unmount_below

__all__ = ["IMAGE", "Engine", "clean_up_after_the_dead", "ensure_image", "wait_until"]

IMAGE = "okube/busybox:1"
_PREFIX = "okube-engine-"
_CGROUPS = Path("/sys/fs/cgroup")


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """Polls until ``condition`` holds; the one way that the lab waits for what another process does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.05)


class Engine:
    """One dockerd in a folder of its own; ``start`` and ``kill`` may alternate, ``destroy`` ends it for good."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_url = f"unix://{folder}/docker.sock"
        self.image = IMAGE
        self.process: subprocess.Popen[bytes] | None = None
        self._bridge = "okt" + folder.name.removeprefix(_PREFIX)[:10]
        self._cgroup = f"okube-test/{folder.name}"

    @classmethod
    def create(cls, *, data_bytes: int | None = None) -> "Engine":
        """An engine that answers, with the image in it; its data on a disk of ``data_bytes``."""
        missing = [name for name in ("dockerd", "containerd", "ip", "busybox") if shutil.which(name) is None]
        if missing:
            raise RuntimeError(
                f"{', '.join(missing)} not found: apt-get install --no-install-recommends "
                "docker.io iproute2 iptables busybox-static"
            )
        clean_up_after_the_dead()
        engine = cls(Path(tempfile.mkdtemp(prefix=_PREFIX)))
        (engine.folder / "owner").write_text(str(os.getpid()))
        try:
            if data_bytes is not None:
                engine.limit_data(data_bytes)
            engine.start()
            with contextlib.closing(engine.client()) as client:
                ensure_image(client)
        except BaseException:
            engine.destroy()
            raise
        return engine

    def client(self) -> docker.APIClient:
        """A new connection; the caller closes it."""
        return connect(self.base_url, timeout_s=30)

    def start(self) -> None:
        """Start dockerd, also after `kill`, and wait until it answers."""
        for stale in ("docker.pid", "docker.sock", "exec/containerd/containerd.pid"):
            (self.folder / stale).unlink(missing_ok=True)
        self._make_bridge()
        (self.folder / "daemon.json").write_text("{}")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers_or_died, f"dockerd in {self.folder} answers")
        if self.process.poll() is not None:
            raise RuntimeError(f"dockerd ended at once: {self._tail_of_log()}")

    def limit_data(self, size: int) -> None:
        """Give the data root a disk of its own, in memory, before the first start."""
        data = self.folder / "data"
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", data], check=True)

    def stop(self) -> None:
        """SIGTERM, as systemd does it, and wait for the end; containers end too, as live-restore is off."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        """SIGKILL to dockerd and its containerd, as a crash would have it; containers live on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        kill_all(pids_mentioning(f"{self.folder}/exec/containerd/containerd.toml"))

    def hang(self) -> None:
        """SIGSTOP: it takes connections and answers nothing, until `resume`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        # On a busy machine a thread may answer something yet after the signal is sent.
        wait_until(lambda: all(_state(thread) == "T" for thread in threads.iterdir()), "the engine has stopped")

    def resume(self) -> None:
        """SIGCONT after `hang`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def destroy(self) -> None:
        """End everything that belongs to this engine and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.resume()
            self._remove_containers()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=15)
            self.process.kill()
        if self.process is not None:
            self.process.wait()
        kill_all(pids_mentioning(f"{self.folder}/"))
        for root in self._cgroup_roots():
            kill_all(pids_below(root))
        unmount_below(self.folder)
        subprocess.run(["ip", "link", "delete", self._bridge], capture_output=True, check=False)
        for root in self._cgroup_roots():
            remove_cgroups(root)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self) -> list[str]:
        return [
            "dockerd",
            *("--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"),
            *("--pidfile", f"{self.folder}/docker.pid", "--config-file", f"{self.folder}/daemon.json"),
            *("-H", self.base_url, "--bridge", self._bridge, "--cgroup-parent", f"/{self._cgroup}"),
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
            *("--shutdown-timeout", "1"),
        ]

    def _make_bridge(self) -> None:
        if Path(f"/sys/class/net/{self._bridge}").exists():
            return
        taken = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout
        rng = random.Random(self.folder.name)
        address = next(a for a in (f"198.19.{rng.randrange(256)}.1/24" for _ in range(1000)) if a not in taken)
        for command in (
            ["ip", "link", "add", self._bridge, "type", "bridge"],
            ["ip", "addr", "add", address, "dev", self._bridge],
            ["ip", "link", "set", self._bridge, "up"],
        ):
            subprocess.run(command, check=True, capture_output=True)

    def _answers_or_died(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            return True
        try:
            self.client().close()
        except (docker.errors.DockerException, requests.exceptions.RequestException):
            return False
        return True

    def _remove_containers(self) -> None:
        try:
            with contextlib.closing(self.client()) as client:
                for container in client.containers(all=True, quiet=True):
                    with contextlib.suppress(docker.errors.APIError):
                        client.remove_container(container["Id"], force=True, v=True)
        except (docker.errors.DockerException, requests.exceptions.RequestException):
            return  # it does not answer: what is left is killed by pid below

    def _cgroup_roots(self) -> list[Path]:
        return [p for p in (*_CGROUPS.glob(f"*/{self._cgroup}"), _CGROUPS / self._cgroup) if p.is_dir()]

    def _tail_of_log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def clean_up_after_the_dead() -> None:
    """Destroy engines whose test run has ended without doing so itself."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder / "owner"
        pid = owner.read_text() if owner.exists() else ""
        if pid and not Path(f"/proc/{pid}").exists():
            kill_all(pids_mentioning(f"{folder}/"))
            Engine(folder).destroy()


def ensure_image(client: docker.APIClient) -> None:
    """Make ``okube/busybox:1`` from the machine's static busybox, unless the engine has it."""
    try:
        client.inspect_image(IMAGE)  # type: ignore[no-untyped-call]  # the stubs leave it out
    except docker.errors.ImageNotFound:
        repository, _, tag = IMAGE.partition(":")
        answer = client.import_image_from_data(_root_file_system(), repository=repository, tag=tag)
        if "error" in json.loads(answer.strip().splitlines()[-1]):
            raise RuntimeError(f"image {IMAGE} cannot be made: {answer}") from None


def _root_file_system() -> bytes:
    busybox = shutil.which("busybox")
    assert busybox is not None
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in ("bin", "etc", "root", "tmp", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        program = Path(busybox).read_bytes()
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for name in names:
            if name == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        users = b"root:x:0:0:root:/root:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(users)
        tar.addfile(entry, io.BytesIO(users))
    return packed.getvalue()


def _state(thread: Path) -> str:
    """The letter for a thread's state (proc(5))."""
    return (thread / "stat").read_text().rpartition(") ")[2][0]
