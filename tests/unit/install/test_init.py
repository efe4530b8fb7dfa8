"""Words that start and end units, and what is read of how they are."""

import pytest

from okube.install.init import UnitState, init_of, read_states
from okube.model.errors import NotFound

UNIT = "okube-manager-m1.service"
SHOWN = """\
Id=okube-manager-m1.service
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=4711
NRestarts=2
Result=success

UnitFileState=
NRestarts=0
Id=okube-worker-w1.service
ActiveState=failed
MainPID=0
Result=watchdog
"""


def test_a_unit_that_runs_and_one_that_failed_are_told_apart() -> None:
    states = read_states(SHOWN)
    assert states[UNIT] == UnitState("active", "running", True, 4711, 2, "success")
    failed = states["okube-worker-w1.service"]
    assert (failed.runs, failed.is_enabled, failed.result) == (False, False, "watchdog")


def test_a_machine_that_says_nothing_has_no_units() -> None:
    assert read_states("") == {}


@pytest.mark.parametrize(("kind", "program"), [("systemd", "systemctl"), ("lab", "okube-lab-init")])
def test_both_know_the_same_verbs(kind: str, program: str) -> None:
    init = init_of(kind)
    assert init.kind == kind
    for words, verb in (
        (init.start([UNIT]), "start"),
        (init.stop([UNIT]), "stop"),
        (init.restart([UNIT]), "restart"),
        (init.enable([UNIT]), "enable"),
        (init.disable([UNIT]), "disable"),
        (init.forgive([UNIT]), "reset-failed"),
        (init.show([UNIT]), "show"),
    ):
        assert (words[0], words[-1]) == (program, UNIT)
        assert verb in words
    assert init.reload()[-1] == "daemon-reload"


def test_a_machine_with_neither_is_told_what_it_needs() -> None:
    with pytest.raises(NotFound, match="needs systemd"):
        init_of("none")
