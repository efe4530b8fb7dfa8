"""The five-minute tour, typed into a terminal of 80 by 24 against a real cluster: ``docs/tour.md`` is its recording.

``python -m tests.lab.tour`` prints it; with ``--write`` it brings ``docs/tour.md`` up to date. It needs what the lab
needs (root, a Docker Engine's packages).
"""

import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.lab.cluster import Cluster
from tests.lab.engine import IMAGE, Engine
from tests.unit.cli.typist import Typist

__all__ = ["COLUMNS", "ROWS", "Screen", "Tour", "page", "take"]

COLUMNS, ROWS = 80, 24
_PATIENCE_S = 90.0
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\a]*\a")
_MOVE = re.compile(rb"\x1b\[[0-9;]*[ABEFHf]|\x1b\[\?1049[hl]")  # what comes then stands in another line
_PROMPT = r"\[\e]2;\#\a\]$ "  # the window's title is the number of the command: so its end is known
_TICKER = "trap exit TERM; n=0; while :; do n=$((n+1)); echo beat $n; sleep 1 & wait; done"

_HEAD = f"""\
# Five minutes at a terminal

<!-- Recorded by `python -m tests.lab.tour --write`, in a terminal of {COLUMNS} columns and {ROWS} rows. -->

A cluster of three managers and three workers on one machine, with Docker. Every screen is what the terminal showed.
"""


Wanted = str | Callable[[list[str]], bool]


class Screen(msgspec.Struct, frozen=True):
    """What the terminal showed, and why somebody looked."""

    caption: str
    lines: tuple[str, ...]


class Tour:
    """A person at a shell.

    Args:
        cluster: what they look after.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.screens: list[Screen] = []
        self.widest = 0
        self._command = ""
        self._typed: list[str] = []
        env = {**cluster.env(), "PS1": _PROMPT, "HISTFILE": "/dev/null", "BASH_SILENCE_DEPRECATION_WARNING": "1"}
        env["PATH"] = f"{Path(cluster.command_path()).parent}:{os.environ['PATH']}"
        env.pop("NO_COLOR")
        self._typist = Typist(
            columns=COLUMNS,
            rows=ROWS,
            program=("bash", "--norc", "--noprofile", "--noediting", "-i"),
            env=env,
            cwd=str(cluster.folder),
        )
        self._typist.sees("$")

    def does(self, caption: str, *commands: str) -> list[str]:
        """Type commands, each when the one before has ended, and keep the screen."""
        self._clear()
        for command in commands:
            self._enter(command)
            self._ended()
        return self._keep(caption)

    def sees(self, caption: str, command: str, wanted: Wanted, *, then: str = "\x03") -> None:
        """Type a command, keep the screen when it shows something, and type what ends it."""
        self._clear()
        self._enter(command)
        self._typist.sees(wanted, seconds=_PATIENCE_S)
        self._keep(caption)
        self._typist.type(then)
        self._ended()

    def says(self, caption: str, command: str, lines: list[tuple[Wanted, str]]) -> None:
        """A talk with a program: type each line when what comes before it is seen."""
        self._clear()
        self._enter(command)
        for wanted, typed in lines:
            self._typist.sees(wanted, seconds=_PATIENCE_S)
            self._typist.type(typed)
        self._ended()
        self._keep(caption)

    def close(self) -> None:
        """Leave."""
        self._typist.close()

    def _clear(self) -> None:
        self._enter("clear")
        self._ended()
        self._typist.written = b""

    def _enter(self, command: str) -> None:
        self._command = self._typist.title
        self._typed.append(command)
        self._typist.type(f"{command}\n")

    def _ended(self) -> None:
        self._typist.sees(lambda _: self._typist.title != self._command, seconds=_PATIENCE_S)

    def _keep(self, caption: str) -> list[str]:
        lines = self._typist.lines
        if lines and lines[-1] == "$":
            lines.pop()
        self.screens.append(Screen(caption, tuple(lines)))
        written = _CONTROL.sub(b"", _MOVE.sub(b"\n", self._typist.written)).decode(errors="replace")
        answers = [line for line in re.split(r"[\r\n]+", written) if not line.endswith(tuple(self._typed))]
        self.widest = max([self.widest, *(len(line) for line in answers)])
        return lines


def take(cluster: Cluster, image: str) -> Tour:
    """The whole tour; the cluster runs already, and has the image."""
    tour = Tour(cluster)
    try:
        _steps(tour, image)
    finally:
        tour.close()
    return tour


def _steps(tour: Tour, image: str) -> None:
    cluster = tour.cluster
    run = f"okube run --image {image} --name"
    tour.does("What there is to say, on one screen.", "okube --help")
    tour.does("The cluster at a glance.", "okube status")
    tour.does(
        "A service of three tasks. The command ends when all of them are ready.",
        f"{run} web --replicas 3 -p 0:80 -- sh -c '{_TICKER}'",
        "okube ps",
        "okube services",
    )
    tour.does("Why a task is where it is.", "okube inspect task web.1")
    tour.does("What tasks wrote, merged by time.", "okube logs web --tail 3 -t")
    tour.says(
        "A shell inside a task, in a terminal that it believes in.",
        "okube exec -it web.1 -- sh",
        [
            (_at_inner_prompt, "stty size; echo $TERM\n"),
            (lambda lines: _at_inner_prompt(lines) and "xterm" in "".join(lines), "exit 3\n"),
        ],
    )
    tour.does("Scripts get statuses and pipes.", "echo binary-safe | okube exec -i web.1 -- wc -c; echo $?")
    other = cluster.start("scale", "web=30", "--no-wait")
    tour.sees(
        "A list that stays true: somebody scales the service to 30 meanwhile. A screen that is too small says so.",
        "okube ps --watch",
        lambda lines: lines[-1:] == ["… 8 more"] and all("running" in line for line in lines[1:-1]),
    )
    other.communicate(timeout=30)
    tour.does("What machines and tasks use now.", "okube top nodes", "okube top tasks --sort memory | head -5")
    leader = cluster.leader()
    cluster.signal(leader, signal.SIGKILL)
    tour.does(
        f"The leader, {leader}, was killed a moment ago. Nobody needs to care.",
        "okube scale web=4",
        "okube status",
    )
    cluster.up()
    tour.does("What happened.", "okube events --tail 12")
    tour.sees(
        "Something that cannot be: while it waits, the command says for what, and why.",
        f"{run} big --memory 64G --timeout 6s -- sh -c '{_TICKER}'",
        "no node fits",
        then="",
    )
    tour.does("The same from the task's side.", "okube inspect task big.1", "okube rm big")
    tour.does(
        "A container that ends again and again is backed off, and every list says so.",
        f"{run} crash --no-wait -- sh -c 'echo no database; sleep 1; exit 3'",
        "sleep 5; okube ps crash",
        "okube logs crash --tail 1",
        "okube rm crash",
    )
    tour.does(
        "A machine goes into maintenance: its tasks move first.",
        "okube drain w1",
        "okube events --node w1 --tail 5",
    )
    tour.does("What a machine holds, and what is free.", "okube inspect node w2 | head -16", "okube uncordon w1")
    tour.does(
        "What cannot work says what would.",
        "okube pss",
        "okube delete web",
        "okube logs wbe",
        "okube run --image nginx --memory 12 --name Web",
        "okube inspect servce web",
        "okube ps --node w9 --state runing",
    )
    tour.does("Away with it.", "okube rm web", "okube ps")


def _at_inner_prompt(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].endswith("#")


def page(tour: Tour) -> str:
    """The recording as Markdown."""
    screens = ("\n".join(["", screen.caption, "", "```", *screen.lines, "```", ""]) for screen in tour.screens)
    return "".join([_HEAD, *screens])


def _cluster(folder: Path, engine: Engine | None) -> Cluster:
    if engine is None:
        return Cluster(folder, runtime="process")
    return Cluster(folder, runtime="docker", docker_host=engine.base_url)


def main(arguments: list[str]) -> None:
    """Print the recording, or write ``docs/tour.md``; with ``--processes`` of a cluster without containers."""
    engine = None if "--processes" in arguments else Engine.create()
    try:
        with tempfile.TemporaryDirectory(prefix="okube-tour-") as folder:
            cluster = _cluster(Path(folder), engine)
            try:
                cluster.up()
                recorded = page(take(cluster, IMAGE if engine else "host"))
            finally:
                cluster.destroy()
    finally:
        if engine is not None:
            engine.destroy()
    if "--write" in arguments:
        Path("docs/tour.md").write_text(recorded, encoding="utf-8")
    else:
        print(recorded, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
