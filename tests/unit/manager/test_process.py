import errno
import os
from pathlib import Path

import pytest

from okube.manager.process import why_it_ends
from okube.model.errors import BadFile, Defect, UnknownVersion

DIRECTORY = Path("/var/lib/okube/m1")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_to_do(number: int) -> None:
    error = why_it_ends(OSError(number, os.strerror(number)), DIRECTORY)
    assert isinstance(error, BadFile)
    assert "the disk of /var/lib/okube/m1 is full; make room there and start it again" in str(error)


def test_a_disk_that_fails_is_told_with_its_words() -> None:
    error = why_it_ends(OSError(errno.EIO, "Input/output error"), DIRECTORY)
    assert isinstance(error, BadFile)
    assert "Input/output error" in str(error)


def test_an_entry_of_a_newer_okube_is_told_as_it_is() -> None:
    error = UnknownVersion("entry 7 of the log", needs="command version 3", knows=2)
    assert why_it_ends(error, DIRECTORY) is error
    assert "Install the newer Okube on this machine and start the manager again" in str(error)


def test_anything_else_is_a_defect() -> None:
    assert isinstance(why_it_ends(ValueError("nobody foresaw it"), DIRECTORY), Defect)
