"""The audit log: who did what, when, from where, and what came of it."""

from typing import Literal

import msgspec

__all__ = ["RESULTS", "AuditAnswer", "AuditRecord", "Result"]

Result = Literal["done", "refused", "failed", "unknown"]
RESULTS: tuple[Result, ...] = ("done", "refused", "failed", "unknown")


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. ``who`` is empty where nobody was known; ``count`` alike within a second are one line.

    ``time`` (RFC 3339, UTC, to the millisecond) is by the clock of ``manager``. ``action`` is the name of a route, as
    the API's reference has it; ``subject`` is what it was about. ``refused`` is for want of rights or of credentials,
    ``failed`` for any other reason; of ``unknown`` the write may have been done.
    """

    time: str
    manager: str
    who: str
    role: str
    address: str
    method: str
    path: str
    action: str
    result: Result
    status: int
    subject: str = ""
    detail: str = ""
    revision: int = 0
    count: int = 1


class AuditAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Records of all managers, the oldest first, and the managers that did not answer with theirs."""

    records: list[AuditRecord]
    silent: list[str] = []
