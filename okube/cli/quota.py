"""``okube quota``: how much of the cluster an app, or a user's services, may ask for."""

from collections.abc import Mapping
from typing import Any, ClassVar

import click

from okube.cli.lazy import LazyGroup
from okube.cli.options import connects, examples, formats, shows
from okube.cli.output import note, show_list, show_results
from okube.cli.session import session
from okube.client.api import OkubeClient
from okube.model.errors import Conflict, NotFound

__all__ = ["quota"]

_TRIES = 5
_USUAL = ("cpus", "memory", "disk", "tasks", "services")
_owner = click.argument("owner", metavar="app:NAME|user:NAME")


class QuotaGroup(LazyGroup):
    """Without a command it lists."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "ls": "list",
        "get": "show",
        "inspect": "show",
        "create": "set",
        "add": "set",
        "remove": "rm",
        "delete": "rm",
    }


@click.group(
    cls=QuotaGroup,
    invoke_without_command=True,
    epilog=examples("""
okube quota
okube quota set app:shop --cpus 8 --memory 16G --tasks 100
okube quota set user:alice --services 5 --resource gpu=2
okube quota show app:shop
okube quota rm app:shop
"""),
)
@connects
@shows
@click.pass_context
def quota(ctx: click.Context) -> None:
    """List quotas: what apps and users may ask for, and what their services ask for now."""
    if ctx.invoked_subcommand is None:
        _list()


@quota.command("list", epilog=examples("okube quota list\nokube quota list -o json"))
@connects
@shows
def list_quotas() -> None:
    """The same as `okube quota`."""
    _list()


@quota.command(epilog=examples("okube quota show app:shop\nokube quota show user:alice -o json"))
@_owner
@connects
@shows
def show(owner: str) -> None:
    """Show one quota, what is asked for of it, and what is above it."""
    kind, name = _parts(owner)
    here = session()
    found = here.client().quota(kind, name)
    show_results(here, "quotas", [found], of=[owner])
    _tell_over(found)


@quota.command(
    "set",
    epilog=examples("""
okube quota set app:shop --cpus 8 --memory 16G --tasks 100
okube quota set app:shop --memory none            no limit of memory any more
okube quota set user:alice --resource gpu=2
"""),
)
@_owner
@click.option("--cpus", metavar="CORES", help="Cores that tasks are promised, all together.")
@click.option("--memory", metavar="SIZE", help="Memory likewise, such as 16G.")
@click.option("--disk", metavar="SIZE", help="Disk likewise.")
@click.option("--tasks", metavar="N", help="How many tasks services want.")
@click.option("--services", metavar="N", help="How many services there are.")
@click.option("--resource", "named", multiple=True, metavar="NAME=N", help="A named resource, such as gpu=2.")
@connects
@formats
def set_quota(owner: str, named: tuple[str, ...], **given: str | None) -> None:
    """Limit what an app, or the services that a user made, may ask for; what is not given stays as it was.

    The word none takes a limit away. What runs already goes on, be it more: then nothing more is let in.
    """
    kind, name = _parts(owner)
    wanted: dict[str, Any] = {key: _amount(text) for key, text in given.items() if text is not None}
    for each in named:
        resource, equals, count = each.partition("=")
        if not (resource and equals and count):
            raise click.UsageError(f"--resource {each!r} is no amount: write it as gpu=2, or gpu=none")
        wanted[resource] = _amount(count)
    if not wanted:
        raise click.UsageError(f"nothing says what is limited: give --{', --'.join(_USUAL)} or --resource")
    here = session()
    made = _changed(here.client(), kind, name, wanted)
    show_results(here, "quotas", [made], of=[owner])
    _tell_over(made)


@quota.command("rm", epilog=examples("okube quota rm app:shop user:alice"))
@click.argument("owners", nargs=-1, required=True, metavar="app:NAME|user:NAME…")
@connects
@formats
def remove(owners: tuple[str, ...]) -> None:
    """Limit an app or a user no more."""
    parts = [_parts(owner) for owner in owners]
    here = session()
    for kind, name in parts:
        here.client().remove_quota(kind, name)
    show_results(here, "removed quotas", [{"name": owner, "action": "removed"} for owner in owners], of=owners)


def _list() -> None:
    here = session()
    rows = here.client().quotas()
    show_list(here, "quotas", rows)
    for row in rows:
        _tell_over(row)


def _parts(owner: str) -> tuple[str, str]:
    kind, _, name = owner.partition(":")
    if kind not in ("app", "user") or not name:
        raise click.UsageError(f"{owner!r} is nobody's quota: write app:NAME or user:NAME")
    return kind, name


def _amount(text: str) -> Any:
    """A number where the text is one, None for ``none``; else the text, which may be a size."""
    if text == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _changed(client: OkubeClient, kind: str, name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Change some limits; the API takes all of them, so what others do meanwhile is looked at again."""
    tries = 0
    while True:
        revision, limits = None, dict[str, Any]()
        try:
            before = client.quota(kind, name)
            revision, said = int(before["revision"]), dict(before.get("limits") or {})
            limits = {**said.pop("named", {}), **said}
        except NotFound:
            pass
        merged = {key: amount for key, amount in {**limits, **wanted}.items() if amount is not None}
        try:
            return client.set_quota(kind, name, merged, if_match=revision)
        except Conflict:
            tries += 1
            if tries == _TRIES:
                raise


def _tell_over(found: Mapping[str, Any]) -> None:
    over = "; ".join(found.get("over") or ())
    if over:
        note(
            f"{found.get('kind')} {found.get('name')} asks for more than its quota: {over}; nothing is stopped for "
            "that, and nothing more is let in"
        )
