import io
import tarfile
from pathlib import Path

import pytest

from okube.processes.image import DEMO_IMAGE, ImageFailed, find_busybox, make_image_folder, root_files


def a_busybox(folder: Path, *, loader: str = "") -> Path:
    program = folder / "busybox"
    program.write_text(f"#!/bin/sh\n# {loader}\nprintf 'busybox\\nsh\\nhttpd\\n'\n")
    program.chmod(0o755)
    return program


def test_the_image_holds_busybox_its_commands_and_the_two_programs(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(root_files(a_busybox(tmp_path)))) as tar:
        links = {m.name: m.linkname for m in tar.getmembers() if m.issym()}
        runnable = {m.name for m in tar.getmembers() if m.isreg() and m.mode & 0o111}
    assert links == {"bin/sh": "busybox", "bin/httpd": "busybox"}
    assert runnable == {"bin/busybox", "web", "counter"}


def test_a_busybox_that_needs_a_loader_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_busybox(tmp_path, loader="/lib64/ld-linux-x86-64.so.2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageFailed, match="busybox-static"):
        find_busybox()


def test_a_static_busybox_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = a_busybox(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_busybox() == program


def test_the_process_runtime_gets_the_same_two_programs(tmp_path: Path) -> None:
    make_image_folder(tmp_path)
    assert {p.name for p in (tmp_path / DEMO_IMAGE).iterdir()} == {"web", "counter"}
    assert '"$PORT_80"' in (tmp_path / DEMO_IMAGE / "web").read_text()
