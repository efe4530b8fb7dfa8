"""``okube keyring`` and ``okube unlock``: the keys that seal secrets, and the one that opens those."""

import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import click

from okube.cli.exits import Ended
from okube.cli.lazy import LazyGroup
from okube.cli.options import connects, examples, formats, shows
from okube.cli.output import emit, note, print_table
from okube.cli.session import Session, session
from okube.client.api import OkubeClient
from okube.model.errors import OkubeError
from okube.security.unlocktext import new_unlock_text

__all__ = ["keyring", "unlock"]

Row = dict[str, Any]
_MAX_KEY = 1000


class KeyringGroup(LazyGroup):
    """Without a command it shows."""

    misspelt: ClassVar[Mapping[str, str]] = {"unlock": "unlock-key", "lock": "autolock", "renew": "rotate"}


@click.group(
    cls=KeyringGroup,
    invoke_without_command=True,
    epilog=examples("""
okube keyring
okube keyring rotate             a new data key; everything is sealed anew
okube keyring unlock-key         show the unlock key, to be kept elsewhere
okube keyring unlock-key --rotate
okube keyring autolock on        no manager keeps the unlock key on its disk
"""),
)
@connects
@shows
@click.pass_context
def keyring(ctx: click.Context) -> None:
    """Show what seals secrets and configs: data keys, and the unlock key that opens those."""
    if ctx.invoked_subcommand is None:
        here = session()
        _show(here, here.client().keyring())


@keyring.command("rotate", epilog=examples("okube keyring rotate"))
@connects
@formats
def rotate() -> None:
    """Make a new data key.

    Everything is sealed anew with it, in slices; `okube keyring` shows when the keys from before are gone.
    """
    here = session()
    _show(here, here.client().rotate_keyring())


@keyring.command(
    "unlock-key",
    epilog=examples("okube keyring unlock-key > /media/safe/unlock.key\nokube keyring unlock-key --rotate"),
)
@click.option("--rotate", "anew", is_flag=True, help="Make another one first, and a new data key with it.")
@connects
@formats
def unlock_key(anew: bool) -> None:
    """Print the unlock key. A restore on new machines needs it, and `okube unlock`; keep it where no manager is.

    Whoever has it and a copy of the state, such as a snapshot, can read all secrets.
    """
    here = session()
    client = here.client()
    if anew:
        _change(here, client, autolock=None)
    else:
        _tell_key(here, client.unlock_key())


@keyring.command("autolock", epilog=examples("okube keyring autolock on\nokube keyring autolock off"))
@click.argument("state", type=click.Choice(["on", "off"]), metavar="on|off")
@connects
@formats
def autolock(state: str) -> None:
    """Have managers keep the unlock key in memory alone, or on their disks again.

    With `on`, a manager that starts is locked until `okube unlock`: it serves all but secrets and configs. The unlock
    key is another one from here on, and is printed: without it the secrets are lost when all managers have stopped.
    """
    here = session()
    client = here.client()
    if state == "on":
        note("keep this key where no manager is; without it secrets are lost once all managers have stopped:")
        _change(here, client, autolock=True)
        note("the machine that made the cluster has the CA's key too, as ca.key in its key_dir: keep it with this one")
        return
    client.rotate_unlock_key(new_unlock_text(), autolock=False)
    _show(here, client.keyring())


@keyring.command("reset", epilog=examples("okube keyring reset"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@connects
@formats
def reset(yes: bool) -> None:
    """Give up all secrets and configs, where the unlock key is lost; then they can be made anew.

    Services that are given them go on with what they have, and new tasks of theirs wait.
    """
    here = session()
    client = here.client()
    ring = client.keyring()
    count = sum(int(key.get("values") or 0) for key in ring.get("keys") or [])
    note(f"{count} values that the unlock key {ring.get('unlock_key')} opens are given up for good.")
    if not yes and not click.confirm("Give them up?", err=True):
        raise Ended(1, "nothing was changed")
    _show(here, client.reset_keyring(str(ring.get("unlock_key"))))


@click.command(epilog=examples("okube unlock\npass show okube | okube unlock"))
@connects
@formats
def unlock() -> None:
    """Give managers the unlock key, which is read from stdin, or asked for on a terminal.

    One manager takes it and hands it to the others. Needs no quorum.
    """
    here = session()
    answer = here.client().unlock(_key())
    unlocked, missing = answer.get("unlocked") or [], answer.get("missing") or []
    if here.output in ("json", "yaml"):
        emit(here, answer)
    else:
        click.echo(f"unlocked: {', '.join(unlocked)}")
    if missing:
        raise Ended(1, f"{', '.join(missing)} did not take it: run it again when they are there")


def _change(here: Session, client: OkubeClient, *, autolock: bool | None) -> None:
    """Whoever asked has the new key before it is in use: nothing that happens then can take it away from them."""
    key = new_unlock_text()
    if here.output not in ("json", "yaml"):
        _tell_key(here, {"key": key})
        sys.stdout.flush()
    try:
        changed = client.rotate_unlock_key(key, autolock=autolock)
    except OkubeError:
        note("this key may not have come into use: `okube keyring unlock-key` prints the one that is")
        raise
    if here.output in ("json", "yaml"):
        _tell_key(here, {"id": changed.get("unlock_key"), "key": key})


def _key() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Unlock key", hide_input=True, err=True)
        return typed.strip()
    key = sys.stdin.read(_MAX_KEY).strip()
    if not key:
        raise Ended(2, "nothing was read from stdin, where the unlock key is expected")
    return key


def _show(here: Session, found: Row) -> None:
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    click.echo(f"unlock key  {found.get('unlock_key') or 'none yet'}")
    click.echo(f"autolock    {'on' if found.get('autolock') else 'off'}")
    keys = found.get("keys")
    if isinstance(keys, list) and keys:
        click.echo()
        print_table("keys", keys, wide=here.output == "wide")


def _tell_key(here: Session, found: Row) -> None:
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        click.echo(found["key"])
