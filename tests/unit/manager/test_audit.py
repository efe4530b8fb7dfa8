"""The audit log's files: nothing done is pushed out by what is refused, and all of it is bounded."""

import asyncio
from pathlib import Path
from typing import Any

from okube.manager.audit import AuditLog
from okube.manager.trail import Trail
from okube.model.audit import AuditRecord


def a_record(**fields: Any) -> AuditRecord:
    told: dict[str, Any] = {
        "time": "2026-11-25T10:00:00.000Z",
        "manager": "m1",
        "who": "olga",
        "role": "operator",
        "address": "192.0.2.7",
        "method": "POST",
        "path": "/v1/services",
        "action": "create_service",
        "result": "done",
        "status": 201,
    }
    return AuditRecord(**(told | fields))


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def _all(log: AuditLog, limit: int = 1000, since: str = "") -> list[AuditRecord]:
    return await log.read(lambda _: True, limit=limit, since=since)


async def test_what_is_noted_is_read_back_in_the_order_of_time_also_after_a_restart(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", Hand())
    records = [a_record(subject=f"s{number}", time=f"2026-11-25T10:00:00.00{number}Z") for number in range(5)]
    for record in records:
        log.note(record)
    assert await _all(log) == records
    assert await _all(AuditLog(tmp_path / "audit", Hand()), limit=2) == records[3:]
    assert await _all(log, since="2026-11-25T10:00:00.003Z") == records[3:]


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", Hand())
    log.note(a_record())
    await log.flush()
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir()] == [0o600]


async def test_what_is_refused_alike_is_one_line_with_a_count(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", Hand())
    for _ in range(1000):
        log.note(a_record(result="refused", status=403))
    log.note(a_record(result="refused", status=401, who=""))
    assert sorted((record.status, record.count) for record in await _all(log)) == [(401, 1), (403, 1000)]


async def test_a_flood_of_different_refusals_makes_few_lines(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", Hand())
    for number in range(5000):
        log.note(a_record(result="refused", status=401, path=f"/guess/{number}"))
    records = await _all(log)
    assert len(records) == 201
    assert sum(record.count for record in records) == 5000


async def test_refusals_push_nothing_out_that_was_done(tmp_path: Path) -> None:
    hand = Hand()
    log = AuditLog(tmp_path / "audit", hand)
    log.note(a_record(subject="first"))
    for turn in range(120):
        for number in range(200):
            log.note(a_record(result="refused", status=401, path=f"/{turn}/{number}/{'x' * 250}"))
        await log.flush()
    assert "first" in [record.subject for record in await _all(log, limit=100_000)]
    assert sum(path.stat().st_size for path in (tmp_path / "audit").iterdir()) < 10 << 20


async def test_lines_reach_the_file_by_themselves(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", Hand())
    log.note(a_record())
    async with asyncio.timeout(10):
        while not (tmp_path / "audit" / "done.jsonl").exists():  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.01)


async def test_a_disk_that_takes_nothing_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("no folder")
    log = AuditLog(tmp_path / "audit", Hand())
    log.note(a_record())
    await log.flush()
    assert log.lost == 1


def test_the_oldest_file_goes_and_the_newest_lines_stay(tmp_path: Path) -> None:
    trail = Trail(tmp_path, "done", file_bytes=100, files=3)
    for number in range(40):
        trail.append(f"line {number:03}\n".encode())
    lines = list(trail.newest_first())
    assert lines[0] == b"line 039"
    assert lines == [f"line {number:03}".encode() for number in range(39, 39 - len(lines), -1)]
    assert len(list(tmp_path.iterdir())) <= 3
    assert 20 <= len(lines) <= 36


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    trail = Trail(tmp_path, "done", file_bytes=1000, files=2)
    trail.append(b"one\n")
    with (tmp_path / "done.jsonl").open("ab") as file:
        file.write(b'{"cut": ')
    trail.append(b"two\n")
    assert list(trail.newest_first()) == [b"two", b'{"cut": ', b"one"]
