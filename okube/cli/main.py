"""The program ``okube``: its commands, and how each run of it ends."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import click

from okube.cli.lazy import Entry, LazyGroup
from okube.cli.options import connects, shows

__all__ = ["cli", "main"]

_LOOK, _CHANGE, _CARE, _RUN = "Look", "Change", "Maintenance", "This machine"

ENTRIES = {
    "status": Entry("okube.cli.status:status", "The cluster at a glance: managers, nodes, tasks, quorum.", _LOOK),
    "services": Entry("okube.cli.services:services", "List services.", _LOOK),
    "tasks": Entry("okube.cli.tasks:tasks", "List tasks (alias: ps).", _LOOK),
    "ps": Entry("okube.cli.tasks:tasks", "List tasks.", _LOOK, alias=True),
    "nodes": Entry("okube.cli.nodes:nodes", "List nodes; `nodes rm` forgets one.", _LOOK),
    "apps": Entry("okube.cli.appslist:apps", "List apps.", _LOOK),
    "events": Entry("okube.cli.events:events", "What happened.", _LOOK),
    "managers": Entry("okube.cli.managers:managers", "List the managers.", _LOOK),
    "top": Entry("okube.cli.top:top", "What nodes and tasks use now.", _LOOK),
    "inspect": Entry("okube.cli.inspect:inspect", "One thing, whole, with its history.", _LOOK),
    "logs": Entry("okube.cli.logs:logs", "What a service or task wrote.", _LOOK),
    "exec": Entry("okube.cli.exec:exec_command", "Run a command in a task.", _LOOK),
    "wait": Entry("okube.cli.waiting:wait", "Wait until services are ready, or gone.", _LOOK),
    "run": Entry("okube.cli.run:run", "Make a service of an image.", _CHANGE),
    "apply": Entry("okube.cli.apply:apply", "Make the cluster match service files.", _CHANGE),
    "diff": Entry("okube.cli.apply:diff", "What apply would change.", _CHANGE),
    "scale": Entry("okube.cli.scale:scale", "Set how many tasks services have.", _CHANGE),
    "stop": Entry("okube.cli.lifecycle:stop", "Stop services and keep them.", _CHANGE),
    "start": Entry("okube.cli.lifecycle:start", "Start stopped services again.", _CHANGE),
    "restart": Entry("okube.cli.lifecycle:restart", "Restart services, one task at a time.", _CHANGE),
    "rollback": Entry("okube.cli.lifecycle:rollback", "Go back to the version before.", _CHANGE),
    "rm": Entry("okube.cli.lifecycle:rm", "Remove services and their tasks.", _CHANGE),
    "drain": Entry("okube.cli.nodes:drain", "Move all tasks off nodes.", _CARE),
    "cordon": Entry("okube.cli.nodes:cordon", "Place no new tasks on nodes.", _CARE),
    "uncordon": Entry("okube.cli.nodes:uncordon", "Place tasks on nodes again.", _CARE),
    "up": Entry("okube.cli.processes:up", "Start what is missing of cluster.yaml here.", _RUN),
    "down": Entry("okube.cli.processes:down", "End tasks and processes here, keep the data.", _RUN),
    "manager": Entry("okube.cli.processes:manager", "Run one manager (what systemd starts).", _RUN),
    "worker": Entry("okube.cli.processes:worker", "Run one worker (what systemd starts).", _RUN),
}

MISSPELT = {
    "list": "services",
    "ls": "services",
    "get": "services",
    "svc": "services",
    "create": "run",
    "deploy": "apply",
    "delete": "rm",
    "remove": "rm",
    "del": "rm",
    "kill": "stop",
    "describe": "inspect",
    "show": "inspect",
    "log": "logs",
    "undo": "rollback",
    "info": "status",
    "node": "nodes",
    "task": "tasks",
    "service": "services",
    "app": "apps",
    "event": "events",
    "history": "events",
    "ssh": "exec",
    "attach": "exec",
    "shell": "exec",
    "stats": "top",
    "agent": "worker",
}


class Okube(LazyGroup):
    """The outermost group: it ends every run with one of the exit statuses, and never with a traceback."""

    entries: ClassVar[Mapping[str, Entry]] = ENTRIES
    misspelt: ClassVar[Mapping[str, str]] = MISSPELT

    def main(  # type: ignore[override]  # click's own has overloads; this one always exits
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command line and exit."""
        extra.pop("standalone_mode", None)
        sys.exit(self._run(args, **extra))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whoever closes the pipe we write to has seen enough, and that is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _let_go_of_stdout()
            return 0

    def _run(self, args: Sequence[str] | None, **extra: Any) -> int:
        from okube.cli.exits import report

        try:
            status = super().main(args, prog_name="okube", standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_stdout()
            return 0
        except SystemExit:
            raise
        except BaseException as error:
            return report(error)
        return status if isinstance(status, int) else 0


def _let_go_of_stdout() -> None:
    """Nobody reads it any more; without this Python would complain when it flushes it at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Okube,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`okube COMMAND --help` shows examples. Exit status: 0 done, 1 refused, 2 usage or bad file, "
    "3 no manager or no quorum, 4 waited in vain.",
)
@click.version_option(package_name="okube", prog_name="okube")
@connects
@shows
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Run containers on servers you own and keep them running."""
    from okube.cli.session import Session

    ctx.call_on_close(ctx.ensure_object(Session).close)


def main() -> NoReturn:
    """The entry point of the program."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that cannot show a character
    cli.main()


if __name__ == "__main__":
    main()
