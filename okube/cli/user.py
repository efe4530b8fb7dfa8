"""``okube user``: who may use the cluster."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from okube.cli.lazy import LazyGroup
from okube.cli.likely import close_to
from okube.cli.options import connects, examples, formats, shows, times
from okube.cli.output import emit, note, show_list, show_results
from okube.cli.session import Session, session
from okube.model.errors import BadFile, NotFound

__all__ = ["user"]

_ROLES = ("viewer", "operator", "admin")
_role = click.Choice(_ROLES)
_ttl = click.option("--ttl", type=times, metavar="TIME", help="For how long the credentials are good; else for ever.")
_file = click.option("--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Else NAME.okube, here.")
_token = click.option("--token", "as_token", is_flag=True, help="Print the token alone, and write no file.")
_apps = click.option("--app", "apps", multiple=True, metavar="APP", help="These apps alone; once or several times.")


class UserGroup(LazyGroup):
    """Without a command it lists."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "list": "ls",
        "add": "create",
        "new": "create",
        "remove": "rm",
        "delete": "rm",
        "revoke": "rm",
        "change": "set",
        "grant": "set",
        "whoami": "self",
        "renew": "rotate",
    }


@click.group(
    cls=UserGroup,
    invoke_without_command=True,
    epilog=examples("""
okube user
okube user create alice --role operator --app shop
okube user set alice --role viewer
okube user rotate alice
okube user rm alice
okube user self                  who am I to the cluster?
"""),
)
@connects
@shows
@click.pass_context
def user(ctx: click.Context) -> None:
    """List users: people and programs, and what they may do."""
    if ctx.invoked_subcommand is None:
        _list()


@user.command("ls", epilog=examples("okube user ls\nokube user ls -o json"))
@connects
@shows
def list_users() -> None:
    """The same as `okube user`."""
    _list()


def _list() -> None:
    here = session()
    show_list(here, "users", here.client().users())


@user.command(
    epilog=examples("""
okube user create alice --role viewer
okube user create olga --role operator --app shop --app bank
okube user create ci --role operator --ttl 720h --token
""")
)
@click.argument("name", metavar="NAME")
@click.option("--role", type=_role, required=True, metavar="ROLE", help="viewer, operator or admin.")
@_apps
@_ttl
@_file
@_token
@connects
@formats
def create(name: str, role: str, apps: tuple[str, ...], ttl: float | None, path: Path | None, as_token: bool) -> None:
    """Make a user, and the file with which they come in: it goes to ~/.okube/config, and is a secret.

    The cluster keeps only a hash of the token in it.
    """
    here = session()
    target = None if as_token else _target(name, path)
    secret, sha256 = _new_token()
    made = here.client().create_user(name, role=role, apps=apps, token_sha256=sha256, expires_ms=_expiry(ttl))
    _hand_over(here, made, secret, target)


@user.command(epilog=examples("okube user rotate alice\nokube user rotate ci --token"))
@click.argument("name", metavar="NAME")
@_ttl
@_file
@_token
@connects
@formats
def rotate(name: str, ttl: float | None, path: Path | None, as_token: bool) -> None:
    """Give a user other credentials: those before are worth nothing from then on, and what is open with them ends."""
    here = session()
    target = None if as_token else _target(name, path)
    secret, sha256 = _new_token()
    with _hinting(here, name):
        made = here.client().rotate_user(name, token_sha256=sha256, expires_ms=_expiry(ttl))
    _hand_over(here, made, secret, target)


@user.command(
    "set",
    epilog=examples("""
okube user set alice --role operator
okube user set alice --app shop --app bank
okube user set alice --all-apps
"""),
)
@click.argument("name", metavar="NAME")
@click.option("--role", type=_role, metavar="ROLE", help="viewer, operator or admin.")
@_apps
@click.option("--all-apps", is_flag=True, help="The whole cluster.")
@connects
@formats
def change(name: str, role: str | None, apps: tuple[str, ...], all_apps: bool) -> None:
    """Change what a user may do; the credentials stay."""
    if role is None and not apps and not all_apps:
        raise click.UsageError("nothing says what is to change: give --role, --app or --all-apps")
    if apps and all_apps:
        raise click.UsageError("--app and --all-apps exclude each other")
    here = session()
    with _hinting(here, name):
        made = here.client().change_user(name, role=role, apps=apps if apps or all_apps else None)
    show_results(here, "users", [made], of=[name])


@user.command(epilog=examples("okube user rm alice bob"))
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@connects
@formats
def rm(names: tuple[str, ...]) -> None:
    """Forget users: what they have is worth nothing from then on, and what is open with it ends."""
    here = session()
    for name in names:
        with _hinting(here, name):
            here.client().remove_user(name)
    show_results(here, "removed users", [{"name": name, "action": "removed"} for name in names], of=names)


@user.command("self", epilog=examples("okube user self\nokube user self --certify ~/.okube/config"))
@click.option("--certify", type=click.Path(path_type=Path), metavar="FILE", help="Get a certificate into it.")
@connects
@shows
def who_am_i(certify: Path | None) -> None:
    """Who you are to the cluster, and what you may do.

    With a certificate in your client file, the token in it is not sent any more.
    """
    here = session()
    if certify is not None:
        from okube.cli import certifying

        until = certifying.certify(here.client(), certify)
        note(f"{certify} has a certificate now, until {until}; `okube` renews it by itself")
    show_results(here, "caller", [here.client().who_am_i()], of=["self"])


def _new_token() -> tuple[str, str]:
    from okube.security.tokens import new_token, token_sha256

    made = new_token()
    return made, token_sha256(made)


def _expiry(ttl: float | None) -> int | None:
    import time

    return None if ttl is None else time.time_ns() // 1_000_000 + round(ttl * 1000)


def _target(name: str, path: Path | None) -> Path:
    """Where the client file goes.

    Raises:
        BadFile: something else is there; found before anything is sent.
    """
    from okube.client.clientfile import read_client_file

    target = path or Path(f"{name}.okube")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise BadFile(f"{target} cannot be written: name a file, in a folder that is there, with --file")
    if target.exists():
        before = read_client_file(target)
        if before is None or before.user != name:
            raise BadFile(f"{target} is there already, and is no client file of {name}: name another with --file")
    return target


def _hand_over(here: Session, made: dict[str, Any], secret: str, target: Path | None) -> None:
    if target is None:
        if here.output in ("json", "yaml"):
            emit(here, {**made, "token": secret})
        else:
            click.echo(secret)
        return
    from okube.client.clientfile import ClientFile, write_client_file

    client = here.client()
    write_client_file(
        target,
        ClientFile(
            cluster=str(client.status().get("cluster", "")),
            user=str(made["name"]),
            managers=tuple(f"https://{address}" for address in client.caller.managers),
            ca=client.caller.credentials.ca_pem(),
            token=secret,
        ),
    )
    if here.output in ("json", "yaml"):
        emit(here, {**made, "file": str(target)})
        return
    show_results(here, "users", [made], of=[str(made["name"])])
    note(f"{target} holds the credentials: give it to {made['name']}, who keeps it as ~/.okube/config (mode 0600)")


@contextlib.contextmanager
def _hinting(here: Session, name: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        known = [str(row.get("name")) for row in here.client().users()]
        raise NotFound(f"{error.detail}{close_to([name], known, 'user')}") from error
