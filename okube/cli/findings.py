"""What a check of machines has found, for people and for scripts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from okube.cli.exits import BadInput, Ended
from okube.cli.output import note
from okube.model.errors import BadFile, InvalidInput, Malformed, OkubeError

if TYPE_CHECKING:
    from okube.install.findings import Finding

__all__ = ["ended", "plain_findings", "tell_findings"]


def tell_findings(findings: "Sequence[Finding]") -> None:
    """A line for each, on stderr."""
    for finding in findings:
        note(f"{finding.severity + ':':<8} {finding.sentence}", indent="         ")


def plain_findings(findings: "Sequence[Finding]") -> list[dict[str, Any]]:
    """The same for scripts."""
    return [
        {"machine": each.machine, "severity": each.severity, "what": each.what, "advice": each.advice}
        for each in findings
    ]


def ended(error: OkubeError) -> Exception:
    """How a command on machines ends: a file that is wrong is told line by line, all else as it is."""
    if isinstance(error, InvalidInput | Malformed) and not isinstance(error, BadFile):
        return BadInput(error.detail.splitlines(), "nothing was changed: correct the file and try again")
    return error if isinstance(error, BadFile) else Ended(1, error.detail)
