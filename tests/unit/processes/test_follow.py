import sys
from pathlib import Path

from okube.processes.follow import follow
from okube.processes.launch import Launch, launch
from okube.security import ProcessFiles


def test_every_new_line_is_shown_with_its_process_and_then_the_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("an older line\n")
    code = "import sys; print('one'); print('two'); sys.exit(4)"
    started = launch(Launch("m1", "manager", (sys.executable, "-c", code), ProcessFiles(tmp_path), lambda: True))
    said: list[str] = []
    follow([started], said.append)
    assert said == ["m1 | one", "m1 | two", "m1 ended with exit status 4."]


HALF = """
import pathlib, time
print("be", end="", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.01)
print("ll")
"""


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    started = launch(Launch("m1", "manager", (sys.executable, "-c", HALF), ProcessFiles(tmp_path), lambda: True))
    said: list[str] = []
    (tmp_path / "go").touch()
    follow([started], said.append)
    assert said[0] == "m1 | bell"


FULL = """
import logging, pathlib, time
from okube.seams.logfile import LogHandler
handler = LogHandler(pathlib.Path("log").absolute(), limit_bytes=1000)
for number in range(150):
    handler.emit(logging.LogRecord("okube", logging.INFO, "", 0, f"line {number:3}", None, None))
    while number == 50 and not pathlib.Path("go").exists():
        time.sleep(0.01)
"""


def test_a_log_that_is_full_is_read_on_where_it_went(tmp_path: Path) -> None:
    started = launch(Launch("m1", "manager", (sys.executable, "-c", FULL), ProcessFiles(tmp_path), lambda: True))
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (tmp_path / "go").touch()

    follow([started], say)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "log", "log.1"]
    assert said == [*(f"m1 | line {number:3}" for number in range(150)), "m1 ended with exit status 0."]
