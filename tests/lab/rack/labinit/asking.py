"""The words of `okube-lab-init`: those of systemctl and journalctl, as far as Okube and its tests use them."""

import argparse
import json
import socket
import sys
from pathlib import Path
from typing import Any

from .enabling import disable, enable, state_of_file
from .loop import CONTROL
from .spawning import LOGS
from .unitfile import BadUnit, UnitMissing

__all__ = ["ask"]

#: A job has failed where it left its unit so; ``activating``: it failed, and is to be started again.
_FAILED = {"start": ("failed", "activating"), "restart": ("failed", "activating")}
_VERBS = (
    *("start", "stop", "restart", "try-restart", "enable", "disable", "is-active", "is-enabled", "is-failed", "show"),
    *("daemon-reload", "reset-failed", "list-units", "logs", "poweroff"),
)


def ask(words: list[str]) -> int:
    """Carry out one command line; answers its exit status."""
    options = _parser().parse_intermixed_args(words)
    options.units = [name if "." in name else f"{name}.service" for name in (*options.units, *options.unit)]
    try:
        return _do(options)
    except (UnitMissing, BadUnit) as error:
        print(error, file=sys.stderr)
        return 5


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("okube-lab-init", description="The lab's supervisor, in systemctl's words.")
    parser.add_argument("verb", choices=_VERBS)
    parser.add_argument("units", nargs="*", metavar="UNIT")
    parser.add_argument("--now", action="store_true", help="enable and start, disable and stop")
    parser.add_argument("-p", "--property", action="append", default=[], help="show these alone: A,B")
    parser.add_argument("--value", action="store_true", help="show values without their names")
    parser.add_argument("-u", "--unit", action="append", default=[], help="logs: of this one")
    parser.add_argument("-n", "--lines", type=int, default=1000, help="logs: that many lines at the most")
    parser.add_argument("-q", "--quiet", action="store_true")
    for ignored in ("--no-pager", "--no-legend", "--system", "--plain", "--all", "--no-block"):
        parser.add_argument(ignored, action="store_true", help=argparse.SUPPRESS)
    return parser


def _do(options: argparse.Namespace) -> int:
    verb, units = options.verb, options.units
    if verb in ("enable", "disable"):
        return _enabling(verb, units, options)
    if verb == "is-enabled":
        states = [state_of_file(name) or "not-found" for name in units]
        _print(options, states)
        return 0 if all(state in ("enabled", "static") for state in states) else 1
    if verb == "logs":
        return _logs(units or ["init"], options.lines)
    answer = _request("known" if verb == "list-units" else verb, units)
    if answer["status"]:
        print(answer["err"], file=sys.stderr)
        return int(answer["status"])
    return _report(verb, options, answer["units"])


def _report(verb: str, options: argparse.Namespace, shown: list[dict[str, str]]) -> int:
    if verb == "show":
        keys = [key for word in options.property for key in word.split(",")]
        blocks = [
            "\n".join(v if options.value else f"{k}={v}" for k, v in unit.items() if not keys or k in keys)
            for unit in shown
        ]
        print("\n\n".join(blocks))
        return 0
    if verb == "list-units":
        for unit in shown:
            print(f"{unit['Id']} {unit['LoadState']} {unit['ActiveState']} {unit['SubState']}")
        return 0
    states = [unit["ActiveState"] for unit in shown]
    if verb in ("is-active", "is-failed"):
        _print(options, states)
        wanted = "active" if verb == "is-active" else "failed"
        return 0 if wanted in states else 3 if verb == "is-active" else 1
    failed = [unit for unit in shown if unit["ActiveState"] in _FAILED.get(verb, ())]
    for unit in failed:
        print(f"Job for {unit['Id']} failed ({unit['Result']}): okube-lab-init logs {unit['Id']}", file=sys.stderr)
    return 1 if failed else 0


def _enabling(verb: str, units: list[str], options: argparse.Namespace) -> int:
    for name in units:
        _print(options, enable(name) if verb == "enable" else disable(name))
    if options.now and units:
        options.verb = "start" if verb == "enable" else "stop"
        return _do(options)
    return 0


def _logs(units: list[str], count: int) -> int:
    for name in units:
        path = Path(LOGS, f"{name.removesuffix('.log')}.log" if name != "init" else "init.log")
        if path.exists():
            print("\n".join(path.read_text(errors="replace").splitlines()[-count:]))
    return 0


def _print(options: argparse.Namespace, lines: list[str]) -> None:
    if not options.quiet:
        for line in lines:
            print(line)


def _request(verb: str, units: list[str]) -> Any:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(CONTROL))
        sock.sendall(json.dumps({"verb": verb, "units": units}).encode() + b"\n")
        return json.loads(sock.makefile("r").readline() or '{"status": 1, "err": "the host ends"}')
