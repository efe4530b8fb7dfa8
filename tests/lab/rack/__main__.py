"""The lab for people: `scripts/lab up`, then break things; `scripts/lab down` leaves nothing."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.engine import wait_until
from tests.lab.rack.keeper import keep, tell
from tests.lab.rack.rack import clean_up_after_the_dead

_LINK = Path(".lab")
_BREAK = """
The lab is up. Its operator's folder is .lab: cluster.yaml, a key, the hosts' keys.

  export OKUBE_CONFIG=.lab/cluster.yaml
  okube cluster install -f .lab/cluster.yaml      install it on the bare hosts
  okube status                                    what you have then
  okube run --image okube/busybox:1 --name web --replicas 6 -- sleep 1d

Things to break, and what to look at (`okube status`, `okube ps`, `okube events`):

  scripts/lab off w1          a worker's power fails: its tasks are placed elsewhere after 3 s
  scripts/lab on w1           it comes back, and drops what was replaced
  scripts/lab off m1          a manager's power fails; if it led, another leads within about a second
  scripts/lab off m2          with a second one off nothing can be changed, and containers go on
  scripts/lab unplug w2       a cable is pulled: its containers go on, nobody hears of them
  scripts/lab cut m1 w3       one way between two hosts is gone: another manager is asked before it counts as down
  scripts/lab heal            undo the cuts; `plug` puts a cable back
  scripts/lab shell w3        a console on a host: `docker ps`, `okube-lab-init list-units`, kill what you like
  scripts/lab status          the hosts, and which are on

`make lab-down` ends it and leaves nothing."""


def main() -> None:
    """Carry out one command line."""
    parser = argparse.ArgumentParser("scripts/lab", description="Hosts to install on and to break, on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "keep"):
        up = verbs.add_parser(verb)
        up.add_argument("managers", nargs="?", type=int, default=3)
        up.add_argument("workers", nargs="?", type=int, default=3)
        up.add_argument("--bare", type=int, default=2, help="hosts more, in no cluster.yaml: x1, x2")
        up.add_argument("--systemd", action="store_true", help="hosts that take their supervisor for systemd")
    for verb in ("off", "on", "unplug", "plug"):
        verbs.add_parser(verb).add_argument("names", nargs="+")
    cut = verbs.add_parser("cut")
    cut.add_argument("names", nargs=2)
    for verb in ("heal", "status", "down"):
        verbs.add_parser(verb)
    shell = verbs.add_parser("shell")
    shell.add_argument("name")
    shell.add_argument("words", nargs="*", default=["bash"])
    options = parser.parse_args()
    _carry_out(options)


def _carry_out(options: argparse.Namespace) -> None:
    if options.verb == "keep":
        keep(_LINK, options.managers, options.workers, systemd=options.systemd, bare=options.bare)
    elif options.verb == "up":
        _up(sys.argv[2:])
    elif options.verb == "status":
        for name, host in tell(_LINK, "status").items():
            print(f"{name:4}  {host['address']:15}  {'on' if host['on'] else 'off'}")
    elif options.verb == "shell":
        host = tell(_LINK, "status").get(options.name) or sys.exit(f"There is no host {options.name}.")
        if not host["on"]:
            sys.exit(f"{options.name} is off; `scripts/lab on {options.name}` switches it on.")
        os.execvp(host["enter"][0], [*host["enter"], f"TERM={os.environ.get('TERM', 'dumb')}", *options.words])
    elif options.verb == "down" and not _lives():
        clean_up_after_the_dead()
        _LINK.unlink(missing_ok=True)
    elif options.verb in ("heal", "down", "cut"):
        tell(_LINK, options.verb, *getattr(options, "names", []))
    else:
        for name in options.names:
            tell(_LINK, options.verb, name)


def _up(words: list[str]) -> None:
    """Start the keeper in the background, unless one lives, and say what there is."""
    if not _lives():
        _LINK.unlink(missing_ok=True)
        with tempfile.TemporaryFile("w+") as said:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.lab.rack", "keep", *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            wait_until(lambda: _lives() or keeper.poll() is not None, "the hosts are up", seconds=180)
            if keeper.poll() is not None:
                said.seek(0)
                sys.exit(f"The hosts could not be brought up: {said.read()}")
    print(_BREAK)


def _lives() -> bool:
    owner = _LINK / "owner"
    return owner.exists() and Path(f"/proc/{owner.read_text()}").exists()


if __name__ == "__main__":
    main()
