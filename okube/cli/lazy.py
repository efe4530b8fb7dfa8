"""A group that imports a command's module when the command is called, so that each starts with what it needs."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import click
import msgspec

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["Entry", "LazyGroup"]


class Entry(msgspec.Struct, frozen=True):
    """Where a command is (``module:name``), and the line that the group's help shows for it.

    What is ``hidden`` has no place on the program's one screen of help, and one in the reference.
    """

    where: str
    help: str
    section: str = ""
    alias: bool = False
    hidden: bool = False


class LazyGroup(click.Group):
    """A group of commands that are known by name before they are imported."""

    entries: ClassVar[Mapping[str, Entry]] = {}
    misspelt: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        return [*self.entries, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = entry.where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; raises UsageError with the one that was likely meant."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            raise click.UsageError(f"there is no command {name!r}{self._likely(ctx, name)}", ctx)
        return name, command, args[1:]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """What may stand here; the commands are not imported for it."""
        if not self.entries or incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem

        known = {name: command.get_short_help_str() for name, command in self.commands.items()}
        known |= {name: entry.help for name, entry in self.entries.items()}
        return [CompletionItem(name, help=line) for name, line in known.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under the headings of their sections."""
        if not self.entries:
            super().format_commands(ctx, formatter)
            return
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.entries.items():
            if not entry.alias:
                sections.setdefault(entry.section or "Commands", []).append((name, entry.help))
        for name, command in self.commands.items():
            sections.setdefault("Commands", []).append((name, command.get_short_help_str(limit=60)))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)

    def _likely(self, ctx: click.Context, name: str) -> str:
        import difflib

        known = self.list_commands(ctx)
        meant = self.misspelt.get(name) or next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)
        if meant is None:
            return f"; `{ctx.command_path} --help` lists them"
        return f": did you mean `{ctx.command_path} {meant}`?"
