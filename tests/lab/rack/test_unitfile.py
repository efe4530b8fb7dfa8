"""What the lab's supervisor reads in unit files."""

from pathlib import Path

import pytest

from tests.lab.rack.labinit.endings import restarts, result_of
from tests.lab.rack.labinit.spawning import commands
from tests.lab.rack.labinit.unitfile import BadUnit, Unit, UnitMissing, read_unit, seconds


def a_unit(folder: Path, text: str, name: str = "web.service") -> Unit:
    (folder / name).write_text(text)
    return read_unit(name, [str(folder)])


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("1min 30s", 90), ("500ms", 0.5), ("infinity", float("inf")), ("2h", 7200)]
)
def test_spans_of_time_are_read_as_systemd_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_a_span_of_time_that_is_none_is_refused() -> None:
    with pytest.raises(BadUnit, match="no span of time"):
        seconds("soon")


def test_the_last_value_counts_and_an_empty_one_forgets_those_before(tmp_path: Path) -> None:
    unit = a_unit(
        tmp_path, "[Service]\nRestart=no\nRestart=always\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2 C=3\n"
    )
    assert unit.service("Restart") == "always"
    assert unit.words("Service", "Environment") == ["B=2", "C=3"]


def test_a_template_serves_every_instance_and_knows_its_name(tmp_path: Path) -> None:
    (tmp_path / "web@.service").write_text("[Service]\nExecStart=/bin/web --name %i --unit %n\n")
    unit = read_unit("web@m1.service", [str(tmp_path)])
    assert [c.words for c in commands(unit, "ExecStart", {})] == [
        ["/bin/web", "--name", "m1", "--unit", "web@m1.service"]
    ]


def test_a_drop_in_is_laid_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "web.service.d").mkdir()
    (tmp_path / "web.service.d/10.conf").write_text("[Service]\nExecStart=\nExecStart=/bin/other\n")
    unit = a_unit(tmp_path, "[Service]\nExecStart=/bin/web\nRestart=always\n")
    assert unit.all("Service", "ExecStart") == ["/bin/other"]
    assert unit.service("Restart") == "always"


def test_a_unit_that_is_masked_or_not_there_is_missing(tmp_path: Path) -> None:
    (tmp_path / "web.service").symlink_to("/dev/null")
    for name in ("web.service", "other.service"):
        with pytest.raises(UnitMissing):
            read_unit(name, [str(tmp_path)])


def test_a_line_that_is_neither_section_nor_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadUnit, match=r"web\.service:2: neither"):
        a_unit(tmp_path, "[Service]\nnonsense\n")


def test_variables_become_words_or_parts_of_words(tmp_path: Path) -> None:
    unit = a_unit(tmp_path, "[Service]\nExecStart=-/bin/web $OPTIONS --at=${HOST} $$HOME\n")
    (command,) = commands(unit, "ExecStart", {"OPTIONS": "-a -b", "HOST": "192.0.2.1"})
    assert command.words == ["/bin/web", "-a", "-b", "--at=192.0.2.1", "$HOME"]
    assert command.may_fail
    assert not command.as_root


@pytest.mark.parametrize(("status", "result"), [(0, "success"), (15, "success"), (9, "signal"), (256, "exit-code")])
def test_an_end_is_in_order_or_has_a_word_for_it(tmp_path: Path, status: int, result: str) -> None:
    assert result_of(a_unit(tmp_path, "[Service]\n"), status) == result


def test_restart_on_failure_leaves_alone_what_ended_in_order_or_is_excepted(tmp_path: Path) -> None:
    unit = a_unit(tmp_path, "[Service]\nRestart=on-failure\nRestartPreventExitStatus=255\n")
    assert restarts(unit, "exit-code", 1 << 8)
    assert restarts(unit, "watchdog", 6)
    assert not restarts(unit, "success", 0)
    assert not restarts(unit, "exit-code", 255 << 8)
