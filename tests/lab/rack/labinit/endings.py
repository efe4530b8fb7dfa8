"""What the end of a service means: clean or not, and whether it is started again."""

import os
import signal

from .unitfile import Unit, seconds

__all__ = ["is_clean", "limit_of_starts", "restarts", "result_of"]

_CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}
#: ``Restart=``: the results after which a service is started again.
_RESTARTS = {
    "no": frozenset[str](),
    "on-success": frozenset({"success"}),
    "on-failure": frozenset({"exit-code", "signal", "timeout", "watchdog"}),
    "on-abnormal": frozenset({"signal", "timeout", "watchdog"}),
    "on-watchdog": frozenset({"watchdog"}),
    "on-abort": frozenset({"signal"}),
    "always": frozenset({"success", "exit-code", "signal", "timeout", "watchdog"}),
}


def is_clean(unit: Unit, status: int) -> bool:
    """Whether a wait status is an end in order, by the unit's own word too."""
    listed = unit.words("Service", "SuccessExitStatus")
    if os.WIFSIGNALED(status):
        number = signal.Signals(os.WTERMSIG(status))
        return number in _CLEAN_SIGNALS or number.name in listed
    code = os.WEXITSTATUS(status)
    return code == 0 or str(code) in listed


def result_of(unit: Unit, status: int) -> str:
    """systemd's word for how it ended."""
    if is_clean(unit, status):
        return "success"
    return "signal" if os.WIFSIGNALED(status) else "exit-code"


def restarts(unit: Unit, result: str, status: int) -> bool:
    """Whether ``Restart=`` has it started again."""
    prevented = unit.words("Service", "RestartPreventExitStatus")
    if os.WIFEXITED(status) and str(os.WEXITSTATUS(status)) in prevented:
        return False
    return result in _RESTARTS.get(unit.service("Restart", "no"), frozenset())


def limit_of_starts(unit: Unit) -> tuple[int, float]:
    """How many starts within how many seconds are too many."""
    burst = unit.last("Unit", "StartLimitBurst") or unit.service("StartLimitBurst") or "5"
    keys = ("StartLimitIntervalSec", "StartLimitInterval")
    spans = [unit.last(section, key) for section in ("Unit", "Service") for key in keys]
    return int(burst), next((seconds(span) for span in spans if span), 10.0)
