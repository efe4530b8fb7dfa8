"""A word on stderr about what a service gives away to all who may read it."""

from collections.abc import Iterable

from okube.cli.output import note
from okube.model.leaks import leaks_of
from okube.model.spec import ServiceSpec

__all__ = ["warn_of_leaks"]

_SHOWN = 5


def warn_of_leaks(specs: Iterable[ServiceSpec]) -> None:
    """Name the fields, and never a value; a file that is full of them gets a few lines."""
    found = [f"{spec.name}: {path} {reason}" for spec in specs for path, reason in leaks_of(spec)]
    for line in found[:_SHOWN]:
        note(f"warning: {line}")
    if len(found) > _SHOWN:
        note(f"warning: and {len(found) - _SHOWN} more")
    if found:
        note(
            "Whoever may read services reads that, and it is in snapshots as it is. Make it a secret instead: "
            "`okube secret create NAME FILE`, and `secrets: [NAME]` in the service."
        )
