import os
from pathlib import Path

import pytest

from okube.processes.engine import EngineUnavailable, end_engine, engine_problem, see_to_engine


def test_an_engine_that_is_not_there_is_told_with_the_reason(tmp_path: Path) -> None:
    assert "No such file" in (engine_problem(f"unix://{tmp_path}/docker.sock") or "")


def test_an_engine_named_elsewhere_is_never_started(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/docker.sock"
    with pytest.raises(EngineUnavailable, match="No Docker Engine answers at unix:"):
        see_to_engine(host, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_somebody_else_started_is_not_ended(tmp_path: Path) -> None:
    said: list[str] = []
    end_engine(tmp_path, said.append)
    assert said == []


def test_a_pid_that_is_another_process_by_now_is_not_ended(tmp_path: Path) -> None:
    (tmp_path / ".engine").mkdir()
    (tmp_path / ".engine" / "pid").write_text(f"{os.getpid()}\nan-earlier-boot/1\n")
    said: list[str] = []
    end_engine(tmp_path, said.append)
    assert said == []
