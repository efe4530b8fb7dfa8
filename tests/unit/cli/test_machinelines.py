"""What people see of machines that something is done to."""

import io

from okube.cli.machinelines import MachineLines
from okube.install.inventory import machines_of
from tests.unit.install.rack import a_cluster

FIRST, SECOND, _ = machines_of(a_cluster())


def test_in_a_pipe_each_change_is_a_line() -> None:
    stream = io.StringIO()
    lines = MachineLines(stream, live=False)
    lines.machine(FIRST, "is looked at")
    lines.machine(FIRST, "is looked at")
    lines.machine(SECOND, "runs")
    lines.note("waiting: there is no leader")
    assert stream.getvalue().splitlines() == [
        "192.0.2.11 (m1, w1)          is looked at",
        "192.0.2.12 (m2, w2)          runs",
        "waiting: there is no leader",
    ]


def test_on_a_terminal_each_machine_has_one_line_in_place() -> None:
    stream = io.StringIO()
    lines = MachineLines(stream, live=True, columns=lambda: 40)
    lines.machine(FIRST, "is looked at")
    lines.machine(SECOND, "is looked at")
    lines.machine(FIRST, "runs, and this is more than fits on a line")
    last = stream.getvalue().rpartition("\x1b[J")[2]
    assert last.splitlines()[0].startswith("192.0.2.11 (m1, w1)          runs, a")
    assert len(last.splitlines()) == 2
    assert all(len(line) < 40 for line in last.splitlines())


def test_a_note_goes_above_the_lines() -> None:
    stream = io.StringIO()
    lines = MachineLines(stream, live=True, columns=lambda: 80)
    lines.machine(FIRST, "runs")
    lines.note("waiting: there is no leader")
    last = stream.getvalue().rpartition("\x1b[1A\x1b[J")[2]
    assert last.splitlines() == ["waiting: there is no leader", "192.0.2.11 (m1, w1)          runs"]
