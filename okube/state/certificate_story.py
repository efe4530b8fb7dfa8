"""What commands about CAs and certificates mean to people, as events."""

from collections.abc import Iterator
from datetime import UTC, datetime

from okube.model.commands import PutAuthorities, TellOfCertificates
from okube.model.event import Event, SubjectKind

__all__ = ["of_certificates"]

_CHANGES = {
    "began": "another CA takes the place of the cluster's: first every manager and worker learns to believe both",
    "signs": "the new CA signs now; every manager and worker renews its certificate",
    "finished": "the former CA is believed no more",
    "given-up": "the new CA is believed no more, and the former one signs as before",
}
_SUBJECTS: dict[str, SubjectKind] = {"manager": "manager", "node": "node"}


def of_certificates(command: PutAuthorities | TellOfCertificates) -> Iterator[Event]:
    """The events of one command, without their times."""
    if isinstance(command, PutAuthorities):
        if command.what in _CHANGES:
            yield Event(
                id="",
                kind="ca-changed",
                subject_kind="cluster",
                reason=command.what,
                message=_CHANGES[command.what],
                by=command.by,
            )
        return
    for kind, name, ends_ms in zip(command.kinds, command.names, command.ends_ms, strict=False):
        ends = datetime.fromtimestamp(ends_ms / 1000, UTC)
        whose = "the cluster's CA" if kind not in _SUBJECTS else f"its certificate, which {name} did not renew yet,"
        yield Event(
            id="",
            kind="certificate-ends",
            level="warning",
            subject_kind=_SUBJECTS.get(kind, "cluster"),
            subject=name if kind in _SUBJECTS else "",
            node=name if kind == "node" else None,
            message=f"{whose} ends at {ends:%Y-%m-%d %H:%M} UTC",
        )
