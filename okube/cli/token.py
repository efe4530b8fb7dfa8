"""``okube token``: what lets machines join."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import click

from okube.cli.lazy import LazyGroup
from okube.cli.options import connects, examples, formats, shows, times
from okube.cli.output import emit, note, show_list, show_results
from okube.cli.session import session
from okube.client.api import OkubeClient

if TYPE_CHECKING:
    from okube.security.jointokens import JoinToken

__all__ = ["make_token", "token"]

Row = dict[str, Any]


class TokenGroup(LazyGroup):
    """Tokens are made, listed and revoked."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "ls": "list",
        "new": "create",
        "add": "create",
        "rm": "revoke",
        "remove": "revoke",
        "delete": "revoke",
    }


@click.group(
    cls=TokenGroup,
    invoke_without_command=True,
    epilog=examples("""
okube token
okube token create --role worker --ttl 1h
okube token revoke k3v9bn4w
"""),
)
@connects
@shows
@click.pass_context
def token(ctx: click.Context) -> None:
    """List tokens with which machines join the cluster."""
    if ctx.invoked_subcommand is None:
        _list()


@token.command(
    epilog=examples("""
okube token create                          any number of workers, for an hour
okube token create --role manager --uses 1
okube join "$(okube token create)" --manager https://192.0.2.11:7101
""")
)
@click.option(
    "--role", type=click.Choice(("worker", "manager")), default="worker", metavar="ROLE", help="worker or manager."
)
@click.option("--ttl", type=times, default="1h", metavar="TIME", show_default=True, help="How long it lets in.")
@click.option("--uses", type=click.IntRange(1, 10_000), metavar="N", help="So many machines at most.")
@connects
@formats
def create(role: str, ttl: float, uses: int | None) -> None:
    """Make a token and print it: whoever has it can join.

    The cluster keeps only a hash of it, so it is shown this once.
    """
    here = session()
    client = here.client()
    made, fresh = make_token(client, role, ttl_s=ttl, uses=uses or 0)
    text = str(fresh)
    managers = ",".join(f"https://{address}" for address in client.caller.managers)
    if here.output in ("json", "yaml"):
        emit(here, {**made, "token": text})
        return
    click.echo(text)
    note(f"On the machine that is to join: okube join TOKEN --manager {managers}")


def make_token(client: OkubeClient, role: str, *, ttl_s: float, uses: int) -> "tuple[Row, JoinToken]":
    """Have the cluster make a token whose secret is drawn here: its row there, and all of it."""
    from okube.security.jointokens import JoinToken, new_secret
    from okube.security.tokens import token_sha256

    secret = new_secret()
    made = client.create_join_token(role, secret_sha256=token_sha256(secret), ttl_s=ttl_s, uses=uses)
    kind: Literal["worker", "manager"] = "manager" if role == "manager" else "worker"
    return made, JoinToken(str(made["id"]), secret, str(made["ca_sha256"]), kind)


@token.command("list", epilog=examples("okube token list\nokube token list -o json"))
@connects
@shows
def list_tokens() -> None:
    """List tokens, without their secrets; those that ended stay for a day."""
    _list()


def _list() -> None:
    here = session()
    show_list(here, "join tokens", here.client().join_tokens())


@token.command(epilog=examples("okube token revoke k3v9bn4w"))
@click.argument("ids", nargs=-1, required=True, metavar="TOKEN…")
@connects
@formats
def revoke(ids: tuple[str, ...]) -> None:
    """Have tokens let nobody in any more: by id, or by the token itself; machines that joined stay."""
    here = session()
    known = [_id_of(text) for text in ids]
    for token_id in known:
        here.client().revoke_join_token(token_id)
    show_results(here, "revoked tokens", [{"id": each, "action": "revoked"} for each in known], of=known)


def _id_of(text: str) -> str:
    """The id, also where somebody gives the whole token: it must not be sent as part of a path that may be logged."""
    return text.partition(".")[0].removeprefix("okube-")
