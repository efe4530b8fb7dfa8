import signal

import pytest

from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.signals import check_signals, signal_number
from tests.builders import a_spec


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("SIGTERM", 15),
        ("SIGKILL", 9),
        ("SIGRTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
    ],
)
def test_a_signal_has_a_number(name: str, number: int) -> None:
    assert signal_number(name) == number


@pytest.mark.parametrize("name", ["SIGNOSUCH", "TERM", "SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+99", ""])
def test_what_is_no_signal_has_none(name: str) -> None:
    assert signal_number(name) is None


def test_a_service_is_told_that_its_stop_signal_is_none() -> None:
    check_signals(a_spec(stop={"signal": "SIGINT"}))
    with pytest.raises(RuntimeFailure, match="service web asks to be stopped with SIGFOO, which is no signal"):
        check_signals(a_spec(stop={"signal": "SIGFOO"}))


def test_a_service_is_told_that_the_signal_of_a_rotation_is_none() -> None:
    check_signals(a_spec(secrets=[{"name": "tls", "on_rotate": "SIGHUP"}]))
    with pytest.raises(RuntimeFailure, match="asks for SIGFOO when secret tls is rotated, which is no signal"):
        check_signals(a_spec(secrets=[{"name": "tls", "on_rotate": "SIGFOO"}]))
