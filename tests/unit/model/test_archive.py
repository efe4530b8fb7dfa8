import pytest

from okube.model.archive import (
    ArchiveDamaged,
    ArchiveHead,
    Counts,
    KeptAuthority,
    pack_end,
    pack_head,
    pack_part,
    read_archive,
    read_head,
)
from okube.model.epoch import Epoch
from tests.unit.model.earlier_archive import with_authority

PIECES = [b"the ", b"state" * 20, b""]
CA = KeptAuthority(b"certificate", b"key")


def a_head(**fields: object) -> ArchiveHead:
    given = {"version": 1, "why": "saved", **fields}
    return ArchiveHead(
        cluster="lab",
        cluster_id="c1",
        taken_ms=1_800_000_000_000,
        taken_by="m1",
        software="1.0",
        revision=7,
        epoch=Epoch(1, 3),
        digest="0" * 64,
        counts=Counts(1, 2, 3, 4),
        **given,  # type: ignore[arg-type]
    )


def a_file(head: ArchiveHead | None = None) -> bytes:
    return b"".join([pack_head(head or a_head()), *map(pack_part, PIECES), pack_end(PIECES)])


def test_what_was_packed_is_read() -> None:
    found = read_archive(a_file())
    assert (found.head, found.authority, found.state) == (a_head(), None, b"".join(PIECES))
    assert read_head(a_file()[:200]) == a_head()


def test_a_file_of_an_earlier_version_has_the_ca_in_it() -> None:
    found = read_archive(with_authority(a_file(), CA))
    assert (found.head, found.authority, found.state) == (a_head(), CA, b"".join(PIECES))


def test_a_file_with_any_byte_missing_or_changed_is_refused() -> None:
    file = with_authority(a_file(), CA)
    for place in range(len(file)):
        changed = bytearray(file)
        changed[place] ^= 0x10
        for damaged in (file[:place], bytes(changed)):
            with pytest.raises(ArchiveDamaged):
                read_archive(damaged)


def test_a_file_that_lost_a_piece_is_refused() -> None:
    with pytest.raises(ArchiveDamaged, match="missing"):
        read_archive(pack_head(a_head()) + pack_part(PIECES[1]) + pack_end(PIECES))


def test_a_format_of_the_future_is_refused_with_its_number() -> None:
    with pytest.raises(ArchiveDamaged, match="format 2"):
        read_archive(a_file(a_head(version=2)))
