import pytest

from okube.model.spec import Restart
from okube.worker.endings import Outcome, delay_ms, describe_delay, outcome_of, verdict
from okube.worker.runtime.base import Container
from tests.unit.worker.machine import a_task

SPEC = a_task(resources={"memory": "64M"}).spec
OK = Outcome("exited", "", 0, 0, 1)
BAD = Outcome("exit-code", "exit code 3", 3, 0, 1)


@pytest.mark.parametrize(
    ("exit_code", "oom", "reason", "message"),
    [
        (0, False, "exited", ""),
        (0, True, "exited", ""),
        (3, False, "exit-code", "exit code 3"),
        (128, False, "exit-code", "exit code 128"),
        (137, False, "signal", "killed by SIGKILL"),
        (139, False, "signal", "killed by SIGSEGV"),
        (143, False, "signal", "killed by SIGTERM"),
        (255, False, "exit-code", "exit code 255"),
        (137, True, "out-of-memory", "out of memory: limit 64.0 MiB"),
        (None, False, "signal", "ended without an exit code: its machine or its engine went down"),
    ],
)
def test_an_end_has_a_code_and_words(exit_code: int | None, oom: bool, reason: str, message: str) -> None:
    container = Container("c1", "t1", "exited", exit_code=exit_code, oom_killed=oom, started_ms=1, ended_ms=5)
    outcome = outcome_of(container, SPEC, now_ms=9)
    assert (outcome.reason, outcome.message, outcome.exit_code) == (reason, message, exit_code)
    assert outcome.ran_ms == 4


def test_an_end_without_a_time_is_now() -> None:
    assert outcome_of(Container("c1", "t1", "exited", exit_code=1), SPEC, now_ms=9).ended_ms == 9


def test_the_engines_own_words_are_passed_on() -> None:
    container = Container("c1", "t1", "exited", exit_code=127, error="no such file")
    assert outcome_of(container, SPEC, now_ms=9).message == "exit code 127: no such file"


@pytest.mark.parametrize(
    ("restart", "outcome", "failures", "expected"),
    [
        (Restart("always"), OK, 0, "restart"),
        (Restart("always"), BAD, 1000, "restart"),
        (Restart("on-failure"), OK, 0, "end"),
        (Restart("on-failure"), BAD, 1000, "restart"),
        (Restart("on-failure", 2), BAD, 1, "restart"),
        (Restart("on-failure", 2), BAD, 2, "end"),
        (Restart("never"), OK, 0, "end"),
        (Restart("never"), BAD, 0, "end"),
    ],
)
def test_the_policy_decides(restart: Restart, outcome: Outcome, failures: int, expected: str) -> None:
    assert verdict(restart, outcome, failures) == expected


def test_the_back_off_doubles_from_a_tenth_of_a_second_to_five_minutes() -> None:
    assert [delay_ms(n) for n in range(5)] == [100, 200, 400, 800, 1600]
    assert delay_ms(11) == 204_800
    assert delay_ms(12) == delay_ms(10_000) == 300_000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(100, "0.1 s"), (1600, "1.6 s"), (4000, "4 s"), (25_600, "26 s"), (204_800, "3.4 min"), (300_000, "5 min")],
)
def test_a_delay_reads_as_people_say_it(milliseconds: int, text: str) -> None:
    assert describe_delay(milliseconds) == text
