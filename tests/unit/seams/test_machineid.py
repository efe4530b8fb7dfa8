from pathlib import Path

import pytest

from okube.seams.machineid import machine_id

OWN = "0123456789abcdef0123456789abcdef"


def test_a_machine_is_known_by_a_hash_of_its_id(tmp_path: Path) -> None:
    path = tmp_path / "machine-id"
    path.write_text(f"{OWN}\n")
    assert machine_id("c1", path) == machine_id("c1", path) != machine_id("c2", path)
    assert len(machine_id("c1", path)) == 32
    assert machine_id("c1", path) != OWN


@pytest.mark.parametrize("text", ["", "uninitialized\n", "0" * 32, "x" * 32, OWN[:-1], "ä"])
def test_a_machine_without_an_id_has_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "machine-id"
    path.write_text(text)
    assert machine_id("c1", path) == ""


def test_a_machine_without_the_file_has_none(tmp_path: Path) -> None:
    assert machine_id("c1", tmp_path / "machine-id") == ""
