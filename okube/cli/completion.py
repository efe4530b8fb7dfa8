"""``okube completion``: what the Tab key does, in bash, zsh and fish."""

import click
from click.shell_completion import get_completion_class

from okube.cli.options import examples

__all__ = ["completion"]

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples("""
source <(okube completion bash)    now; for ever: put it into ~/.bashrc
source <(okube completion zsh)     the same, for ~/.zshrc
okube completion fish | source
""")
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def completion(shell: str) -> None:
    """Print the shell's script that completes commands, options and names of the cluster.

    SHELL is bash, zsh or fish. Names of services, tasks, nodes and apps are asked of the managers, for half a second
    at most.
    """
    from okube.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "okube", "_OKUBE_COMPLETE").source())
