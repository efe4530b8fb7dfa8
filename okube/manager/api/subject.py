"""What a command is about, in a few words, for the audit log. Pure."""

from collections.abc import Sequence

from okube.model import commands as c

__all__ = ["subject_of"]

_SHOWN = 10


def subject_of(command: c.Command) -> str:
    """The names of what is changed, and to how many where that is the change."""
    if isinstance(command, c.PutServices):
        return _names([spec.name for spec in command.specs])
    if isinstance(command, c.ScaleServices):
        return _names([f"{name}={count}" for name, count in zip(command.names, command.replicas, strict=False)])
    if isinstance(command, c.DeleteServices | c.RefreshServices):
        return f"app {command.app}" if command.app else _names(command.names)
    if isinstance(command, c.StopTask):
        return command.text
    if isinstance(command, c.PutQuota | c.RemoveQuota):
        return f"{command.kind} {command.name}"
    if isinstance(command, c.PutUser):
        return f"{command.name}{f' as {command.role}' if command.role else ''}"
    if isinstance(command, c.CreateJoinToken):
        return f"token {command.id} for a {command.role}"
    if isinstance(command, c.RevokeJoinToken):
        return f"token {command.id}"
    name = getattr(command, "name", "")
    return name if isinstance(name, str) else ""


def _names(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
