"""The program ``okube``: its commands, and how each run of it ends."""

import contextlib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import click

from okube.cli.lazy import Entry, LazyGroup
from okube.cli.options import connects, shows

__all__ = ["cli", "main"]

_LOOK, _CHANGE, _CARE, _RUN = "Look", "Change", "Maintenance", "This machine"
_ACCESS = "More"
_COLUMNS = ((_LOOK, _RUN), (_CHANGE, _CARE))

ENTRIES = {
    "status": Entry("okube.cli.status:status", "the cluster at a glance", _LOOK),
    "services": Entry("okube.cli.services:services", "what should run", _LOOK),
    "tasks": Entry("okube.cli.tasks:tasks", "what runs where (ps)", _LOOK),
    "ps": Entry("okube.cli.tasks:tasks", "what runs where", _LOOK, alias=True),
    "nodes": Entry("okube.cli.nodes:nodes", "the machines", _LOOK),
    "apps": Entry("okube.cli.appslist:apps", "sets of services", _LOOK),
    "managers": Entry("okube.cli.managers:managers", "the control plane", _LOOK),
    "events": Entry("okube.cli.events:events", "what happened", _LOOK),
    "top": Entry("okube.cli.top:top", "what is used now", _LOOK),
    "net": Entry("okube.cli.net:net", "the network between nodes", _LOOK),
    "inspect": Entry("okube.cli.inspect:inspect", "one thing, whole, and why", _LOOK),
    "plan": Entry("okube.cli.plan:plan", "where tasks would go", _LOOK),
    "whatif": Entry("okube.cli.whatif:whatif", "if nodes were lost", _LOOK),
    "logs": Entry("okube.cli.logs:logs", "what tasks wrote", _LOOK),
    "exec": Entry("okube.cli.exec:exec_command", "run a command in a task", _LOOK),
    "wait": Entry("okube.cli.waiting:wait", "until services are ready", _ACCESS),
    "completion": Entry("okube.cli.completion:completion", "for bash, zsh, fish", _ACCESS),
    "run": Entry("okube.cli.run:run", "make a service of an image", _CHANGE),
    "apply": Entry("okube.cli.apply:apply", "what service files say", _CHANGE),
    "diff": Entry("okube.cli.apply:diff", "what apply would change", _CHANGE),
    "scale": Entry("okube.cli.scale:scale", "how many tasks", _CHANGE),
    "stop": Entry("okube.cli.lifecycle:stop", "stop, and keep the service", _CHANGE),
    "start": Entry("okube.cli.lifecycle:start", "start what was stopped", _CHANGE),
    "restart": Entry("okube.cli.lifecycle:restart", "restart, one task at a time", _CHANGE),
    "rollback": Entry("okube.cli.lifecycle:rollback", "back to the version before", _CHANGE),
    "rm": Entry("okube.cli.lifecycle:rm", "remove services, apps", _CHANGE),
    "drain": Entry("okube.cli.nodes:drain", "move all tasks off nodes", _CARE),
    "cordon": Entry("okube.cli.nodes:cordon", "no new tasks on nodes", _CARE),
    "uncordon": Entry("okube.cli.nodes:uncordon", "new tasks again", _CARE),
    "rebalance": Entry("okube.cli.rebalance:rebalance", "move tasks, for balance", _CARE),
    "snapshot": Entry("okube.cli.snapshot:snapshot", "the state, saved", _CARE),
    "cluster": Entry("okube.cli.cluster:cluster", "install, upgrade; its CA", _CARE),
    "secret": Entry("okube.cli.secret:secret", "values that nobody reads", _ACCESS),
    "config": Entry("okube.cli.secret:config", "files for tasks", _ACCESS),
    "user": Entry("okube.cli.user:user", "who may do what", _ACCESS),
    "audit": Entry("okube.cli.audit:audit", "who did what", _ACCESS),
    "token": Entry("okube.cli.token:token", "what lets machines join", _ACCESS),
    "keyring": Entry("okube.cli.keyring:keyring", "what seals secrets", _ACCESS),
    "unlock": Entry("okube.cli.keyring:unlock", "managers that lock themselves", _ACCESS),
    "scheduler": Entry("okube.cli.scheduler:scheduler", "how nodes are chosen", _ACCESS),
    "quota": Entry("okube.cli.quota:quota", "how much apps, users may ask for", _ACCESS),
    "kube-extender": Entry("okube.cli.kube_extender:kube_extender", "for kube-scheduler", _ACCESS),
    "up": Entry("okube.cli.processes:up", "runs cluster.yaml's part", _RUN),
    "down": Entry("okube.cli.processes:down", "end it, and keep the data", _RUN),
    "manager": Entry("okube.cli.processes:manager", "one manager (for systemd)", _ACCESS),
    "worker": Entry("okube.cli.processes:worker", "one worker (for systemd)", _ACCESS),
    "join": Entry("okube.cli.join:join", "become part of a cluster", _ACCESS),
    "bench": Entry("okube.cli.bench:bench", "what a cluster bears", _RUN, hidden=True),
    "units": Entry("okube.cli.units:units", "systemd starts them", _ACCESS),
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
    "network": "net",
    "latency": "net",
    "ping": "net",
    "agent": "worker",
    "secrets": "secret",
    "configs": "config",
    "keys": "keyring",
    "policy": "scheduler",
    "quotas": "quota",
    "limit": "quota",
    "autolock": "keyring",
}


_NOTHING_GIVEN: type[click.UsageError] = click.exceptions.NoArgsIsHelpError
"""What click raises for a group without a command: whoever types that wants to see which there are."""


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

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All commands on one screen, in two columns."""
        from okube.cli.overview import FOOT, in_a_line, lines

        formatter.write("Okube runs containers on servers you own. Usage: okube COMMAND [OPTIONS] [NAME]…\n")
        formatter.write("\n".join([*lines(self.entries, _COLUMNS), in_a_line(self.entries, _ACCESS), *FOOT, ""]))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whoever closes the pipe we write to has seen enough, and that is no error."""
        try:
            result = super().invoke(ctx)
            if ctx.obj is not None:
                ctx.obj.renew_certificate()
            return result
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
        except _NOTHING_GIVEN as error:
            click.echo(error.format_message())
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
    gc.set_threshold(50_000)  # little of what a short command makes is garbage before its end
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that cannot show a character
    cli.main()


if __name__ == "__main__":
    main()
