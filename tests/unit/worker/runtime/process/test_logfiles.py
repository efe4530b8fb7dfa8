from pathlib import Path

import pytest

from okube.worker.runtime.process.logfiles import LogReader
from okube.worker.runtime.process.shim import Log


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where a shim is
    return tmp_path


def read(folder: Path, *, tail: int | None = None, since_ms: int | None = None) -> list[str]:
    reader = LogReader(folder, tail=tail, since_ms=since_ms)
    try:
        return _rest(reader)
    finally:
        reader.close()


def test_what_the_shim_writes_is_read_back(folder: Path) -> None:
    log = Log(1000, 2)
    log.take(b"o", b"out\nhalf")
    log.take(b"e", b"err\n")
    log.take(b"o", b" a line\nno end")
    log.close()
    reader = LogReader(folder, tail=None, since_ms=None)
    lines = reader.read()
    reader.close()
    assert [(line.stream, line.text) for line in lines] == [
        ("stdout", "out"),
        ("stderr", "err"),
        ("stdout", "half a line"),
        ("stdout", "no end"),
    ]


def test_text_of_any_kind_survives(folder: Path) -> None:
    log = Log(1000, 1)
    log.take(b"o", "a b  c\t\r\n\n ü 1 o x\n".encode())
    log.close()
    assert read(folder) == ["a b  c\t\r", "", " ü 1 o x"]


def test_rotation_keeps_the_newest(folder: Path) -> None:
    _write(500, 3, 200)
    assert {path.name for path in folder.iterdir()} == {"log", "log.1", "log.2"}
    assert all(path.stat().st_size <= 500 for path in folder.iterdir())
    texts = read(folder)
    assert texts == [f"line {n}" for n in range(200 - len(texts), 200)]


def test_a_single_file_starts_over(folder: Path) -> None:
    _write(500, 1, 200)
    assert [path.name for path in folder.iterdir()] == ["log"]
    assert read(folder)[-1] == "line 199"


@pytest.mark.parametrize("tail", [0, 1, 5, 30, 39, 40, 41, 1000])
def test_tail_reaches_back_over_files(folder: Path, tail: int) -> None:
    _write(300, 10, 40)
    assert len(list(folder.iterdir())) > 2
    assert read(folder, tail=tail) == [f"line {n}" for n in range(40)][max(0, 40 - tail) :]


def test_tail_of_long_lines_reaches_back_over_blocks(folder: Path) -> None:
    log = Log(10 << 20, 1)
    for n in range(10):
        log.take(b"o", b"%d" % n * 50_000 + b"\n")
    log.close()
    assert [(text[0], len(text)) for text in read(folder, tail=4)] == [(str(n), 50_000) for n in range(6, 10)]


def test_a_reader_goes_on_as_files_grow_and_rotate(folder: Path) -> None:
    log = Log(300, 3)
    reader = LogReader(folder, tail=None, since_ms=None)
    texts = []
    for n in range(200):
        log.take(b"o", f"line {n}\n".encode())
        if n % 7 == 0:
            texts += _rest(reader)
    texts += _rest(reader)
    reader.close()
    log.close()
    assert texts == [f"line {n}" for n in range(200)]


def test_a_reader_that_is_overtaken_goes_on_with_the_oldest_there_is(folder: Path) -> None:
    log = Log(100, 2)
    log.take(b"o", b"first\n")
    reader = LogReader(folder, tail=None, since_ms=None)
    assert _rest(reader) == ["first"]
    for n in range(100):
        log.take(b"o", f"line {n}\n".encode())
    texts, kept = _rest(reader), read(folder)
    reader.close()
    log.close()
    assert 0 < len(kept) < 20
    assert texts[0] == "line 0"  # of the file that it still held
    assert texts[-len(kept) :] == kept
    assert len(set(texts)) == len(texts)


def test_a_reader_may_come_before_any_output(folder: Path) -> None:
    reader = LogReader(folder, tail=0, since_ms=None)
    assert reader.read() == []
    log = Log(1000, 1)
    log.take(b"o", b"new\n")
    log.close()
    assert _rest(reader) == ["new"]
    reader.close()
    assert reader.read() == []


def test_since_is_inclusive(folder: Path) -> None:
    (folder / "log").write_bytes(b"10 o old\n20 o new\n30 e newer\n")
    assert read(folder, since_ms=20) == ["new", "newer"]


def test_records_that_a_full_disk_has_mangled_are_passed_over(folder: Path) -> None:
    (folder / "log").write_bytes(b"10 o good\n20 \n20 21 o x\n\nrubbish\n30 e good too\n40 o torn")
    assert read(folder) == ["good", "good too"]


def test_a_line_of_any_length_is_cut(folder: Path) -> None:
    log = Log(1 << 20, 1)
    for _ in range(5):
        log.take(b"o", b"x" * 40_000)
    log.take(b"o", b"\nend\n")
    log.close()
    assert [len(text) for text in read(folder)] == [65536, 65536, 65536, 200_000 - 3 * 65536, 3]


def _write(max_bytes: int, files: int, count: int) -> None:
    log = Log(max_bytes, files)
    for n in range(count):
        log.take(b"o", f"line {n}\n".encode())
    log.close()


def _rest(reader: LogReader) -> list[str]:
    texts: list[str] = []
    while lines := reader.read():
        texts += [line.text for line in lines]
    return texts
