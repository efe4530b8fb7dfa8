from pathlib import Path

import psutil

from okube.worker.capacity import Capacity, UsageMeter, measure_capacity
from tests.unit.worker.machine import settings


def test_settings_win_over_what_is_measured() -> None:
    assert measure_capacity(settings(cores=1.5, memory=7, disk=9)) == Capacity(1.5, 7, 9)


def test_what_settings_leave_open_is_measured(tmp_path: Path) -> None:
    measured = measure_capacity(settings(directory=tmp_path / "not" / "yet", memory=7))
    assert measured.cores == psutil.cpu_count()
    assert measured.memory == 7
    assert measured.disk == psutil.disk_usage(str(tmp_path)).total


def test_what_is_reserved_is_not_offered_and_never_more_than_half_of_the_machine(tmp_path: Path) -> None:
    whole = measure_capacity(settings(directory=tmp_path))
    some = measure_capacity(settings(directory=tmp_path, reserved_cores=0.1, reserved_memory=64 << 20))
    assert (some.cores, some.memory) == (whole.cores - 0.1, whole.memory - (64 << 20))
    most = measure_capacity(settings(directory=tmp_path, reserved_cores=1000, reserved_memory=1 << 50))
    assert (most.cores, most.memory) == (whole.cores / 2, whole.memory // 2)
    given = measure_capacity(settings(directory=tmp_path, cores=3.0, memory=5, reserved_cores=1, reserved_memory=1))
    assert (given.cores, given.memory) == (3.0, 5)


def test_usage_is_measured_every_five_seconds_at_most(tmp_path: Path) -> None:
    now = [100.0]
    meter = UsageMeter(tmp_path, lambda: now[0])
    first = meter.read()
    assert 0 < first.memory <= psutil.virtual_memory().total
    assert first.disk > 0
    now[0] += 4.9
    assert meter.read() is first
    now[0] += 0.2
    assert meter.read() is not first
