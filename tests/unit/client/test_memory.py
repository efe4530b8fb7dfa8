from pathlib import Path

from okube.client.address import Address
from okube.client.memory import FileMemory, in_order

A, B, C = (Address("192.0.2.1", port) for port in (1, 2, 3))


def test_what_is_kept_is_recalled_by_the_next_command(tmp_path: Path) -> None:
    FileMemory(tmp_path / "last").keep(B)
    assert FileMemory(tmp_path / "last").recall() == B


def test_a_damaged_or_missing_file_is_no_memory(tmp_path: Path) -> None:
    assert FileMemory(tmp_path / "last").recall() is None
    (tmp_path / "last").write_bytes(b"\xff\x00 not an address")
    assert FileMemory(tmp_path / "last").recall() is None


def test_a_folder_that_is_not_there_does_no_harm(tmp_path: Path) -> None:
    FileMemory(tmp_path / "gone" / "last").keep(A)


def test_the_same_manager_is_not_written_again(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "last")
    memory.keep(A)
    (tmp_path / "last").unlink()
    memory.keep(A)
    assert not (tmp_path / "last").exists()


def test_the_remembered_manager_is_asked_first_and_a_foreign_one_never() -> None:
    assert in_order((A, B), B) == (B, A)
    assert in_order((A, B), C) == (A, B)
    assert in_order((A, B), None) == (A, B)
