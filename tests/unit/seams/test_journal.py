"""Log lines for the journal carry their level as it reads it."""

import logging
import os
import tempfile

import pytest

from okube.seams.journal import JournalFormatter, is_journal


def _record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("okube.raft", level, __file__, 1, message, None, None)


@pytest.mark.parametrize(
    ("level", "mark"),
    [(logging.DEBUG, "<7>"), (logging.INFO, "<6>"), (logging.WARNING, "<4>"), (logging.CRITICAL, "<2>")],
)
def test_a_line_begins_with_the_priority_of_its_level(level: int, mark: str) -> None:
    assert JournalFormatter().format(_record(level, "m2 leads")).startswith(mark)


def test_each_line_of_a_record_has_the_mark_and_none_the_time() -> None:
    lines = JournalFormatter().format(_record(logging.ERROR, "one\ntwo")).splitlines()
    assert lines == ["<3>ERROR   okube.raft: one", "<3>two"]


def test_only_the_stream_that_systemd_names_is_the_journal() -> None:
    with tempfile.TemporaryFile() as file:
        found = os.fstat(file.fileno())
        named = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(named, file.fileno())
        assert not is_journal({"JOURNAL_STREAM": "1:2"}, file.fileno())
        assert not is_journal({}, file.fileno())
        assert not is_journal(named, 9999)
