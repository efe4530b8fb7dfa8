"""``okube units`` on a machine whose supervisor does what it is told."""

from pathlib import Path

import pytest

from okube.install.init import Init, Words, init_of
from okube.install.unitshere import Here, install_units, remove_units, units_text
from okube.model.errors import Conflict
from tests.unit.processes.builders import a_cluster


class Machine:
    """A supervisor that starts and ends everything at once, and remembers what it was told."""

    def __init__(self, folder: Path) -> None:
        self.init: Init = init_of("systemd")
        self.folder = folder
        self.told: list[Words] = []
        self.enabled: set[str] = set()
        self.running: set[str] = set()

    @property
    def here(self) -> Here:
        return Here(self.init, self.folder, self.run)

    def run(self, words: Words) -> str:
        verb, *units = [word for word in words[1:] if not word.startswith("-") and "," not in word]
        self.told.append((verb, *units))
        if verb == "enable":
            self.enabled.update(units)
        elif verb in ("start", "restart"):
            self.running.update(units)
        elif verb == "stop":
            self.running.difference_update(units)
        return "\n\n".join(self._shown(unit) for unit in units) if verb == "show" else ""

    def _shown(self, unit: str) -> str:
        active = "active" if unit in self.running else "inactive"
        return f"Id={unit}\nActiveState={active}\nUnitFileState={'enabled' if unit in self.enabled else 'disabled'}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "units").mkdir()
    return Machine(tmp_path / "units")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A cluster that was not made yet, all of it here."""
    found = a_cluster(tmp_path).file
    assert found is not None
    return found


def _install(config: Path, machine: Machine) -> list[str]:
    said: list[str] = []
    install_units(config, said.append, start=True, here=machine.here)
    return said


def test_all_processes_of_this_machine_get_a_unit_and_the_cluster_is_made_before(
    config: Path, machine: Machine
) -> None:
    _install(config, machine)
    names = sorted(path.name for path in machine.folder.iterdir())
    assert "okube-manager-m1.service" in names and "okube-worker-w1.service" in names
    assert machine.running == machine.enabled == set(names)
    assert f"--config {config}" in (machine.folder / "okube-manager-m1.service").read_text()


def test_a_second_time_nothing_is_done(config: Path, machine: Machine) -> None:
    _install(config, machine)
    machine.told.clear()
    assert all(line.endswith("as it should be") for line in _install(config, machine))
    assert {words[0] for words in machine.told} == {"show"}


def test_a_unit_that_somebody_changed_is_put_right(config: Path, machine: Machine) -> None:
    _install(config, machine)
    unit = machine.folder / "okube-manager-m1.service"
    text = unit.read_text()
    unit.write_text("[Service]\nExecStart=/bin/false\n")
    machine.told.clear()
    (changed,) = [line for line in _install(config, machine) if "restarted" in line]
    assert changed.startswith("okube-manager-m1.service")
    assert unit.read_text() == text


def test_printing_them_makes_nothing(config: Path, machine: Machine) -> None:
    said: list[str] = []
    units_text(config, said.append)
    assert "# okube-manager-m1.service" in said
    assert not list(machine.folder.iterdir())
    assert not (config.parent / ".okube" / "cluster.json").exists()


def test_units_of_this_cluster_are_removed_and_those_of_others_stay(config: Path, machine: Machine) -> None:
    _install(config, machine)
    other = machine.folder / "okube-worker-x.service"
    other.write_text("[Service]\nExecStart=/usr/bin/okube worker --name x --config /srv/other/cluster.yaml\n")
    remove_units(config, lambda _: None, here=machine.here)
    assert list(machine.folder.iterdir()) == [other]
    assert machine.running == set()


def test_a_cluster_with_nothing_on_this_machine_gets_no_unit(tmp_path: Path, machine: Machine) -> None:
    config = tmp_path / "cluster.yaml"
    config.write_text("cluster: lab\nmanagers: [{name: m1, host: 192.0.2.11, port: 7101}]\n")
    with pytest.raises(Conflict, match="this is another"):
        install_units(config, lambda _: None, start=True, here=machine.here)
    assert not list(machine.folder.iterdir())
