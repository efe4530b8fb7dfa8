import sys
from pathlib import Path

import pytest

from okube.processes.launch import Launch, Started, StartFailed, launch, okube_command, wait_alive
from okube.security import ProcessFiles


def a_launch(folder: Path, code: str, *, ready: str = "ready") -> Launch:
    return Launch(
        name="m1",
        role="manager",
        command=(sys.executable, "-c", code),
        files=ProcessFiles(folder),
        is_alive=lambda: (folder / ready).exists(),
    )


def outcome(started: Started, timeout_s: float = 30.0) -> str | None:
    said: list[str | None] = []
    wait_alive([started], timeout_s=timeout_s, say=lambda _, problem: said.append(problem))
    (only,) = said
    return only


def end(started: Started) -> None:
    started.process.kill()
    started.process.wait()


def test_a_process_that_answers_is_alive_in_a_session_of_its_own(tmp_path: Path) -> None:
    code = "import os, signal; open('sid', 'w').write(str(os.getsid(0))); open('ready', 'w').close(); signal.pause()"
    started = launch(a_launch(tmp_path, code))
    assert outcome(started) is None
    assert (tmp_path / "sid").read_text() == str(started.process.pid)
    end(started)


def test_a_process_that_ends_at_once_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("an older line\n")
    started = launch(a_launch(tmp_path, "import sys; print('no floppy drive'); sys.exit(3)"))
    problem = outcome(started)
    assert problem is not None
    assert "manager m1 ended at once (exit status 3)" in problem
    assert "no floppy drive" in problem
    assert "an older line" not in problem
    assert (tmp_path / "log").read_text() == "an older line\nno floppy drive\n"


def test_a_process_that_a_signal_ended_silently_is_reported(tmp_path: Path) -> None:
    problem = outcome(launch(a_launch(tmp_path, "import os; os.kill(os.getpid(), 9)")))
    assert problem is not None
    assert "signal 9" in problem and "wrote nothing" in problem


def test_a_process_that_never_answers_is_reported_when_the_time_is_over(tmp_path: Path) -> None:
    started = launch(a_launch(tmp_path, "import signal; signal.pause()"))
    problem = outcome(started, timeout_s=0.2)
    assert problem is not None
    assert f"runs (pid {started.process.pid}) and does not answer" in problem
    end(started)


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    missing = Launch("m1", "manager", ("/nowhere/okube",), ProcessFiles(tmp_path), lambda: True)
    with pytest.raises(StartFailed, match="m1 does not start: /nowhere/okube"):
        launch(missing)


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.truncate(17 << 20)
    started = launch(a_launch(tmp_path, "print('new')"))
    started.process.wait()
    assert (tmp_path / "log").read_text() == "new\n"
    assert (tmp_path / "log.1").stat().st_size == 17 << 20


def test_okube_calls_itself_by_the_script_of_its_own_environment() -> None:
    assert okube_command()[0].startswith(str(Path(sys.executable).parent))
