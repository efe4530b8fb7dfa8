"""What an installation is asked, whom it tells how far it is, and what it answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from okube.install.findings import Finding
from okube.install.health import Health
from okube.install.inventory import Machine
from okube.install.plan import Plan
from okube.install.release import Package
from okube.install.survey import Survey
from okube.model.errors import OkubeError

__all__ = ["InstallFailed", "Looked", "NotReady", "Options", "Outcome", "Teller"]


class NotReady(OkubeError):
    """Something stands in the way; nothing was changed. ``findings`` are all of it, warnings among it."""

    kind = "not-ready"

    def __init__(self, detail: str, findings: Sequence[Finding]) -> None:
        super().__init__(detail)
        self.findings = tuple(findings)


class InstallFailed(OkubeError):
    """It was begun and did not come to its end; it may be run again."""

    kind = "install-failed"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How it is wanted.

    Args:
        bundle: the wheel bundle; None to find or make one where it is needed.
        dry_run: change nothing.
        partial: go on without machines that do not answer.
        accept_new: believe hosts that were never met.
        timeout_s: how long to wait for the cluster to be well.
    """

    bundle: Path | None = None
    dry_run: bool = False
    partial: bool = False
    accept_new: bool = False
    timeout_s: float = 180.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to.

    Args:
        cluster: its name.
        release: what is installed.
        plans: what was done, or would be.
        findings: warnings, and machines that were left out.
        health: how the cluster is; None in a dry run.
        took_s: seconds.
    """

    cluster: str
    release: str
    plans: tuple[Plan, ...]
    findings: tuple[Finding, ...]
    health: Health | None
    took_s: float

    @property
    def was_nothing(self) -> bool:
        """Whether all was in place."""
        return all(plan.is_nothing for plan in self.plans)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on the machines, where nothing stands in the way.

    Args:
        found: the machines that answer, and what they say.
        left_out: those that do not.
        package: the bundle, where one is needed or was named.
        release: what is to be installed.
    """

    found: Survey
    left_out: tuple[Finding, ...]
    package: Package | None
    release: str


class Teller(Protocol):
    """Who tells a person how far it is, and asks."""

    def machine(self, machine: Machine, what: str) -> None:
        """What a machine is at."""

    def note(self, sentence: str) -> None:
        """Something about the whole."""

    def may_leave_out(self, findings: Sequence[Finding]) -> bool:
        """Whether to go on without these machines; asked where it is not said beforehand."""
