"""The image of the demo, made of what this machine has, so that no registry is asked.

For Docker it is a static busybox with two programs; for the process runtime it is a directory with the same two.
"""

import contextlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import docker.errors

from okube.model.errors import OkubeError
from okube.processes.packages import can_install, install_packages
from okube.worker.runtime.docker.transport import connect

__all__ = ["DEMO_IMAGE", "ImageFailed", "find_busybox", "make_image", "make_image_folder", "root_files"]

DEMO_IMAGE = "okube/demo:1"
_TIMEOUT_S = 60

_WEB = """#!/bin/sh
# Serves a page that says which task wrote it. The shell passes the signal to stop on.
mkdir -p www
echo "<!doctype html><title>Okube</title><h1>Hello from $(hostname)</h1><p>task ${OKUBE_TASK:-?}</p>" > www/index.html
{server} &
trap 'kill $!; exit 0' TERM INT
wait $!
"""
_COUNTER = """#!/bin/sh
# Counts the seconds since it was started, for its log.
trap 'exit 0' TERM INT
n=0
while true; do
  n=$((n + 1))
  echo "$(hostname) counts $n"
  sleep 1 &
  wait $!
done
"""


class ImageFailed(OkubeError):
    """The demo's image cannot be made."""

    kind = "image-failed"


def make_image(host: str) -> str:
    """Have the image in the engine at ``host``; returns a sentence.

    Raises:
        ImageFailed: there is no static busybox, or the engine refuses.
    """
    try:
        with contextlib.closing(connect(host, timeout_s=_TIMEOUT_S)) as client:
            if client.images(name=DEMO_IMAGE):
                return f"{DEMO_IMAGE} is there"
            name, _, tag = DEMO_IMAGE.partition(":")
            tar = root_files(find_busybox())
            client.import_image_from_data(tar, repository=name, tag=tag, changes=["EXPOSE 80"])
    except (docker.errors.DockerException, OSError) as error:
        raise ImageFailed(f"The engine at {host} does not take the image {DEMO_IMAGE}: {error}") from error
    return f"made {DEMO_IMAGE} of busybox"


def make_image_folder(images: Path) -> None:
    """Have the image below the folder in which a worker with the process runtime looks for images."""
    folder = images / DEMO_IMAGE
    folder.mkdir(parents=True, exist_ok=True)
    server = f'"{sys.executable}" -m http.server --directory www "$PORT_80"'
    (folder / "web").write_text(_WEB.replace("{server}", server))
    (folder / "counter").write_text(_COUNTER)


def find_busybox() -> Path:
    """The static busybox of this machine, installed if that can be done.

    Raises:
        ImageFailed: there is none.
        InstallFailed: the package manager refused.
    """
    if shutil.which("busybox") is None and can_install():
        install_packages(["busybox-static"])
    found = shutil.which("busybox")
    if found is None or not _is_static(Path(found)):
        raise ImageFailed(
            "The demo's image is made of a static busybox, and this machine has none: install it (Debian and Ubuntu: "
            "busybox-static), or set 'runtime: process' in cluster.yaml."
        )
    return Path(found)


def _is_static(program: Path) -> bool:
    """Whether an ELF program names no loader (PT_INTERP, near its beginning): it runs where nothing else is."""
    with program.open("rb") as file:
        return b"/ld-" not in file.read(4096)


def root_files(busybox: Path) -> bytes:
    """A root file system as a tar: busybox, its commands as links to it, and the two programs."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777)):
            _add(tar, folder, mode, kind=tarfile.DIRTYPE)
        _add(tar, "bin/busybox", 0o755, busybox.read_bytes())
        for name in listed:
            if name != "busybox":
                _add(tar, f"bin/{name}", 0o777, kind=tarfile.SYMTYPE, link="busybox")
        _add(tar, "web", 0o755, _WEB.replace("{server}", "httpd -f -p 80 -h www").encode())
        _add(tar, "counter", 0o755, _COUNTER.encode())
        _add(tar, "etc/passwd", 0o644, b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, mode: int, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size, entry.type, entry.linkname = mode, len(data), kind, link
    tar.addfile(entry, io.BytesIO(data))
