"""How a process ends: asked to, by an error that a person can mend, or by a defect."""

import asyncio
import logging
import os
import signal

import pytest

from okube.seams.daemon import run_daemon


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_status_0(number: signal.Signals) -> None:
    async def serve(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), number)
        await stop.wait()

    assert run_daemon("it", serve, expected=(ValueError,)) == 0


def test_an_expected_error_is_a_sentence_also_out_of_a_task_group(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("the port is taken")

    async def serve(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    assert run_daemon("manager m1", serve, expected=(ValueError,)) == 1
    assert "manager m1 cannot run: the port is taken" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_defect_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(stop: asyncio.Event) -> None:
        raise KeyError("nobody thought of it")

    with caplog.at_level(logging.INFO):
        assert run_daemon("manager m1", serve, expected=(ValueError,)) == 1
    assert "manager m1 ends by a defect" in caplog.text
    assert "Traceback" in caplog.text
    assert "has stopped" not in caplog.text


def _run_and_find(context: dict[str, object]) -> None:
    """A process whose loop finds something that no task caught, and goes on."""

    async def serve(stop: asyncio.Event) -> None:
        asyncio.get_running_loop().call_exception_handler(context)

    assert run_daemon("it", serve, expected=(ValueError,)) == 0


def test_a_connection_that_ends_while_it_is_read_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    _run_and_find({"message": "Fatal error on SSL protocol", "exception": error, "transport": object()})
    assert caplog.text == ""


def test_what_the_loop_finds_else_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    _run_and_find({"message": "Task exception was never retrieved", "exception": RuntimeError("it broke")})
    assert "it broke" in caplog.text
