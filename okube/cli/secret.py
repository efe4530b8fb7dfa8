"""``okube secret`` and ``okube config``: named values that tasks get as files."""

import sys
from collections.abc import Mapping
from typing import ClassVar

import click

from okube.cli import complete
from okube.cli.filters import label_pairs, labels_option
from okube.cli.lazy import LazyGroup
from okube.cli.likely import hinting
from okube.cli.options import connects, examples, formats, shows
from okube.cli.output import emit, show_list, show_results
from okube.cli.secretvalue import value_of
from okube.cli.session import session
from okube.client.access import SecretKind

__all__ = ["config", "secret"]

_NAMES = {"secret": complete.SECRETS, "config": complete.CONFIGS}
_file = click.argument("file", required=False, type=click.Path(), metavar="[FILE]")


class SecretGroup(LazyGroup):
    """Without a command it lists."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "list": "ls",
        "add": "create",
        "new": "create",
        "set": "rotate",
        "update": "rotate",
        "remove": "rm",
        "delete": "rm",
        "get": "inspect",
        "cat": "show",
    }


@click.group(
    cls=SecretGroup,
    invoke_without_command=True,
    epilog=examples("""
okube secret
okube secret create db-password password.txt
okube secret rotate db-password password.txt
okube secret rm db-password
"""),
)
@connects
@shows
@click.pass_context
def secret(ctx: click.Context) -> None:
    """List secrets: values that go to the tasks that need them, and that nobody reads back."""
    if ctx.invoked_subcommand is None:
        _list("secret", None, ())


@click.group(
    cls=SecretGroup,
    invoke_without_command=True,
    epilog=examples("""
okube config
okube config create nginx-conf nginx.conf
okube config show nginx-conf
okube config rotate nginx-conf nginx.conf
okube config rm nginx-conf
"""),
)
@connects
@shows
@click.pass_context
def config(ctx: click.Context) -> None:
    """List configs: files that go to the tasks that need them, kept encrypted as secrets are."""
    if ctx.invoked_subcommand is None:
        _list("config", None, ())


def _ls(kind: SecretKind) -> click.Command:
    @click.command(
        "ls",
        help=f"The same as `okube {kind}`, with filters.",
        epilog=examples(f"okube {kind} ls --app shop\nokube {kind} ls -o json"),
    )
    @click.option("--app", metavar="NAME", help=f"Only {kind}s of this app.", shell_complete=complete.APPS)
    @labels_option
    @connects
    @shows
    def ls(app: str | None, labels: tuple[str, ...]) -> None:
        label_pairs(labels)
        _list(kind, app, labels)

    return ls


def _create(kind: SecretKind) -> click.Command:
    @click.command(
        "create",
        help=f"""Make a {kind}: its value is what FILE holds, byte for byte.

        Without FILE, or where it is -, the value is read from stdin; on a terminal it is asked for.
        """,
        epilog=examples(
            f"okube {kind} create NAME value.txt --app shop\ngenerate-a-value | okube {kind} create NAME -"
        ),
    )
    @click.argument("name", metavar="NAME")
    @_file
    @click.option("--app", default="", metavar="NAME", help="The app that it belongs to.")
    @click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; may be given again.")
    @connects
    @formats
    def create(name: str, file: str | None, app: str, labels: tuple[str, ...]) -> None:
        given = dict(label_pairs(labels))
        value = value_of(kind, file)
        made = session().client().create_secret(name, value, kind, app=app, labels=given)
        show_results(session(), f"{kind}s", [made], of=(name,))

    return create


def _rotate(kind: SecretKind) -> click.Command:
    @click.command(
        "rotate",
        help=f"""Give a {kind} a new value: its next version.

        Services that use it are restarted in a rolling way, or signalled, as each of them says.
        """,
        epilog=examples(f"okube {kind} rotate NAME value.txt\ngenerate-a-value | okube {kind} rotate NAME -"),
    )
    @click.argument("name", metavar="NAME", shell_complete=_NAMES[kind])
    @_file
    @connects
    @formats
    def rotate(name: str, file: str | None) -> None:
        value = value_of(kind, file)
        client = session().client()
        with hinting(client, kind, (name,)):
            made = client.rotate_secret(name, value, kind)
        show_results(session(), f"{kind}s", [made], of=(name,))

    return rotate


def _inspect(kind: SecretKind) -> click.Command:
    @click.command(
        "inspect",
        help=f"Show a {kind}: its versions and labels, and no value.",
        epilog=examples(f"okube {kind} inspect NAME"),
    )
    @click.argument("name", metavar="NAME", shell_complete=_NAMES[kind])
    @connects
    @shows
    def inspect(name: str) -> None:
        client = session().client()
        with hinting(client, kind, (name,)):
            emit(session(), client.secret(name, kind))

    return inspect


def _rm(kind: SecretKind) -> click.Command:
    @click.command("rm", help=f"Forget {kind}s with all their values.", epilog=examples(f"okube {kind} rm NAME OTHER"))
    @click.argument("names", nargs=-1, required=True, metavar="NAME…", shell_complete=_NAMES[kind])
    @connects
    @formats
    def rm(names: tuple[str, ...]) -> None:
        client = session().client()
        with hinting(client, kind, names):
            gone = [client.delete_secret(name, kind) for name in names]
        rows = [{"name": row["name"], "action": "removed"} for row in gone]
        show_results(session(), f"removed {kind}s", rows, of=names)

    return rm


for _command in (_ls, _create, _rotate, _inspect, _rm):
    secret.add_command(_command("secret"))
    config.add_command(_command("config"))


@config.command("show", epilog=examples("okube config show nginx-conf\nokube config show nginx-conf --version 3"))
@click.argument("name", metavar="NAME", shell_complete=complete.CONFIGS)
@click.option("--version", type=click.IntRange(1), metavar="N", help="One of the versions that are kept.")
@connects
def show(name: str, version: int | None) -> None:
    """Print what a config holds, byte for byte."""
    client = session().client()
    with hinting(client, "config", (name,)):
        sys.stdout.buffer.write(client.config_value(name, version=version))


def _list(kind: SecretKind, app: str | None, labels: tuple[str, ...]) -> None:
    here = session()
    show_list(here, f"{kind}s", here.client().secrets(kind, app=app, labels=labels))
