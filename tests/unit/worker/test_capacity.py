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
