"""``okube exec``: a command in a task."""

import os

import click

from okube.cli import complete
from okube.cli.exits import Ended
from okube.cli.meant import one_running_task
from okube.cli.options import connects, examples
from okube.cli.output import note
from okube.cli.session import session

__all__ = ["exec_command"]

_STDIN, _STDOUT, _STDERR = range(3)


@click.command(
    "exec",
    context_settings={"allow_interspersed_args": False},
    epilog=examples("""
okube exec web.1 -- ls -l /            one command
okube exec -it web -- sh               a shell in a task of service web
echo hello | okube exec -i web.1 -- cat
okube exec db.1 -- pg_dump shop > shop.sql
"""),
)
@click.option("-i", "--stdin", "interactive", is_flag=True, help="Pass on what is typed or piped in.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.argument("task", metavar="TASK|SERVICE", shell_complete=complete.SERVICES_AND_TASKS)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND…")
@connects
def exec_command(interactive: bool, tty: bool, task: str, command: tuple[str, ...]) -> None:
    """Run a command in a task, and exit with its status.

    TASK is SERVICE.SLOT, or an id or the start of one; of a service a task that is ready is taken. With -t keys go
    to the command as they are, Ctrl-C too.
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("no command is given: write it behind --")
    if tty and not (os.isatty(_STDIN) and os.isatty(_STDOUT)):
        raise click.UsageError(
            "-t needs a terminal on both sides: leave it out where input or output is a pipe or file"
        )
    here = session()
    chosen, of = one_running_task(here.client(), task)
    if tty and of > 1:
        note(f"{chosen['name']}, one of {of}")
    raise Ended(_run(str(chosen["id"]), words, interactive=interactive, tty=tty))


def _run(task_id: str, words: tuple[str, ...], *, interactive: bool, tty: bool) -> int:
    import contextlib
    from functools import partial

    from okube.cli import terminal
    from okube.cli.pump import Pump
    from okube.client.exec import Command, open_exec

    columns, rows = terminal.size(_STDOUT)
    command = Command(words, tty=tty, stdin=interactive, columns=columns, rows=rows)
    with contextlib.closing(open_exec(session().client().caller, task_id, command)) as running:
        size = partial(terminal.size, _STDOUT) if tty else None
        with terminal.raw(_STDIN) if tty and interactive else contextlib.nullcontext():
            return Pump(running, stdin=_STDIN if interactive else None, stdout=_STDOUT, stderr=_STDERR, size=size).run()
