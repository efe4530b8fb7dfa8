import contextlib
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.seams.logfile import LogHandler


class Logging:
    """A process's log of 1,000 bytes, as whoever started the process opened it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.stream = self.log.open("a", encoding="utf-8")
        self.handler = LogHandler(self.log, stream=self.stream, descriptors=[self.stream.fileno()], limit_bytes=1000)

    def write(self, text: str) -> None:
        self.handler.emit(logging.LogRecord("okube", logging.INFO, "", 0, text, None, None))


@pytest.fixture
def logging_to_file(tmp_path: Path) -> Iterator[Logging]:
    made = Logging(tmp_path)
    yield made
    made.stream.close()


def test_however_much_is_written_there_are_two_bounded_files_with_the_newest_lines(logging_to_file: Logging) -> None:
    for number in range(1000):
        logging_to_file.write(f"line {number:4}")
    folder = logging_to_file.log.parent
    assert sorted(path.name for path in folder.iterdir()) == ["log", "log.1"]
    assert all(path.stat().st_size <= 1010 for path in folder.iterdir())
    lines = ((folder / "log.1").read_text() + (folder / "log").read_text()).splitlines()
    assert lines == [f"line {number:4}" for number in range(1000 - len(lines), 1000)]


def test_the_new_file_may_be_read_by_whom_the_old_one_might(logging_to_file: Logging) -> None:
    logging_to_file.log.chmod(0o640)
    logging_to_file.write("x" * 2000)
    assert logging_to_file.log.stat().st_mode & 0o777 == 0o640


def test_another_file_of_that_name_is_left_alone(logging_to_file: Logging) -> None:
    moved = logging_to_file.log.with_name("kept-by-somebody")
    logging_to_file.log.rename(moved)
    logging_to_file.log.write_text("another's")
    logging_to_file.write("x" * 2000)
    assert logging_to_file.log.read_text() == "another's"
    assert moved.stat().st_size > 2000


def test_a_log_that_was_removed_stops_nothing(logging_to_file: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    logging_to_file.log.unlink()
    logging_to_file.write("x" * 2000)
    logging_to_file.write("and goes on")
    assert capsys.readouterr().err == ""


def test_lines_that_a_full_disk_did_not_take_are_written_when_it_has_room(
    capsys: pytest.CaptureFixture[str], small_folder: Path
) -> None:
    log = small_folder / "log"
    filler = small_folder / "filler"
    with log.open("a", encoding="utf-8") as stream:
        handler = LogHandler(None, stream=stream, descriptors=[stream.fileno()])
        with contextlib.suppress(OSError):
            filler.write_bytes(bytes(1 << 20))
        handler.emit(logging.LogRecord("okube", logging.ERROR, "", 0, "the disk is full", None, None))
        assert log.read_bytes() == b""
        filler.unlink()
        handler.emit(logging.LogRecord("okube", logging.INFO, "", 0, "there is room", None, None))
    assert log.read_text() == "the disk is full\nthere is room\n"
    assert capsys.readouterr().err == ""


@pytest.fixture
def small_folder(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", tmp_path], check=True)
