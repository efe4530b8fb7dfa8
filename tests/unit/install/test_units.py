"""Units: what is started, as whom, how it is confined; read back as their text has it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from okube.install.layout import LAYOUT
from okube.install.units import Process, processes_of, program_in, unit_name, unit_text
from tests.unit.install.builders import a_cluster

MANAGER = Process(
    role="manager",
    name="m1",
    cluster="lab",
    program="/opt/okube/versions/0.1.0-3fa9c1d2/bin/okube",
    config="/etc/okube/cluster.yaml",
    data_dir="/var/lib/okube",
    key_dir="/etc/okube/keys",
    user="okube",
)
AGENT = msgspec.structs.replace(MANAGER, role="worker", name="w1", runtime="docker", user=None)


class _Parser(configparser.RawConfigParser):
    """Of a unit; of a key that stands there several times all values count."""

    def __init__(self) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _read(process: Process) -> dict[str, str]:
    parser = _Parser()
    parser.read_string(unit_text(process))
    return {key: value for section in parser.sections() for key, value in parser[section].items()}


def test_a_unit_starts_one_process_of_one_release() -> None:
    unit = _read(MANAGER)
    assert unit["ExecStart"] == (
        "/opt/okube/versions/0.1.0-3fa9c1d2/bin/okube manager --name m1 --config /etc/okube/cluster.yaml"
    )
    assert LAYOUT.release_of(program_in(unit_text(MANAGER)) or "") == "0.1.0-3fa9c1d2"


def test_units_are_named_by_role_and_name() -> None:
    assert unit_name("manager", "m1") == "okube-manager-m1.service"


@pytest.mark.parametrize("process", [MANAGER, AGENT])
def test_what_ends_by_itself_or_hangs_is_started_again_for_as_long_as_it_takes(process: Process) -> None:
    unit = _read(process)
    assert (unit["Type"], unit["Restart"], unit["StartLimitIntervalSec"]) == ("notify", "on-failure", "0")
    assert int(unit["WatchdogSec"]) > 0


def test_a_manager_that_was_removed_is_not_started() -> None:
    assert _read(MANAGER)["ConditionPathExists"] == "!/var/lib/okube/m1/removed"
    assert "ConditionPathExists" not in _read(AGENT)


def test_an_agent_that_ends_leaves_its_containers() -> None:
    assert _read(AGENT)["KillMode"] == "process"


def test_an_agent_waits_for_the_engine_but_for_the_process_runtime() -> None:
    assert "docker.service" in _read(AGENT)["After"]
    assert "docker.service" not in _read(msgspec.structs.replace(AGENT, runtime="process"))["After"]


def test_a_manager_may_write_its_data_and_keys_alone_and_has_no_power_but_low_ports() -> None:
    unit = _read(MANAGER)
    assert (unit["User"], unit["ProtectSystem"], unit["NoNewPrivileges"]) == ("okube", "strict", "yes")
    assert unit["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert re.findall("^ReadWritePaths=(.*)$", unit_text(MANAGER), re.MULTILINE) == [
        "/var/lib/okube",
        "/etc/okube/keys",
    ]


def test_what_root_made_in_a_managers_folders_is_given_back_to_it() -> None:
    lines = re.findall("^ExecStartPre=(.*)$", unit_text(MANAGER), re.MULTILINE)
    assert all(line.startswith("+-") and "okube:okube" in line for line in lines)
    assert any("-name m1" in line and "-hR" in line for line in lines)
    assert "ExecStartPre" not in unit_text(AGENT)


def test_an_agent_may_write_where_secrets_are_kept_in_memory() -> None:
    assert _read(AGENT)["ReadWritePaths"] == "/var/lib/okube /run"


@pytest.mark.parametrize("runtime", ["process", "auto"])
def test_tasks_that_are_children_of_the_unit_are_not_confined_with_it(runtime: str) -> None:
    assert "ProtectSystem" not in _read(msgspec.structs.replace(AGENT, runtime=runtime))


def test_files_in_somebodys_home_can_be_reached() -> None:
    at_home = msgspec.structs.replace(MANAGER, data_dir="/home/ann/lab/.okube", user="ann")
    assert _read(at_home)["ProtectHome"] == "read-only"
    assert _read(MANAGER)["ProtectHome"] == "yes"


def test_a_cluster_to_play_with_may_be_among_temporary_files() -> None:
    assert _read(msgspec.structs.replace(MANAGER, data_dir="/tmp/lab/.okube"))["PrivateTmp"] == "no"
    assert _read(MANAGER)["PrivateTmp"] == "yes"


def test_signs_that_mean_something_to_systemd_stand_for_themselves() -> None:
    odd = msgspec.structs.replace(MANAGER, config="/srv/100% $HOME/cluster.yaml")
    assert _read(odd)["ExecStart"].endswith('--config "/srv/100%% $$HOME/cluster.yaml"')


def test_what_is_on_one_host_is_found_however_its_address_is_written(tmp_path: Path) -> None:
    config = a_cluster(tmp_path, managers={"m1": "192.0.2.11", "m2": "192.0.2.12"}, workers={"w1": "192.0.2.11"})
    assert list(processes_of(config, "192.0.2.11")) == [("manager", "m1"), ("worker", "w1")]
    assert list(processes_of(config, "192.0.2.99")) == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("process", [MANAGER, AGENT])
def test_systemd_understands_every_line(process: Process, tmp_path: Path) -> None:
    name = unit_name(process.role, process.name)
    here = msgspec.structs.replace(process, program="/bin/true")
    (tmp_path / name).write_text(unit_text(here))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / name)], capture_output=True, text=True
    )
    assert [line for line in said.stderr.splitlines() if name in line] == []
