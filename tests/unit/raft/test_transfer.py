import zlib

from okube.raft.frames import SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot, SnapshotHead, pack_snapshot, unpack_snapshot
from okube.raft.transfer import Arrived, Incoming, Outgoing
from tests.unit.raft.builders import members


def a_snapshot(index: int = 7, state: bytes = b"state" * 100) -> Snapshot:
    return unpack_snapshot(b"".join(pack_snapshot(SnapshotHead("c1", index, 2, members()), [state])))


def an_outgoing(piece_bytes: int, index: int = 7, now: float = 0.0) -> Outgoing:
    snapshot = a_snapshot(index)
    return Outgoing(snapshot, zlib.crc32(snapshot.file), piece_bytes, now)


def arrived(index: int = 7) -> Arrived:
    return Arrived(a_snapshot(index).file, index, 2)


def transfer(outgoing: Outgoing, incoming: Incoming, piece: SnapshotPiece | None) -> Arrived | None:
    while piece is not None:
        received = incoming.add("m1", piece)
        if (snapshot := incoming.take()) is not None:
            return snapshot
        piece = outgoing.after(received, 0.0)
    return None


def test_a_snapshot_arrives_whole() -> None:
    outgoing = an_outgoing(64)
    assert transfer(outgoing, Incoming(), outgoing.piece(0)) == arrived()


def test_a_doubled_piece_changes_nothing_and_a_lost_one_is_asked_for() -> None:
    outgoing, incoming = an_outgoing(64), Incoming()
    incoming.add("m1", outgoing.piece(0))
    assert incoming.add("m1", outgoing.piece(0)).offset == 64
    assert incoming.add("m1", outgoing.piece(192)) == SnapshotReceived(7, 2, 64)
    assert transfer(outgoing, incoming, outgoing.piece(64)) == arrived()


def test_a_transfer_goes_on_where_it_was() -> None:
    outgoing, incoming = an_outgoing(64), Incoming()
    incoming.add("m1", outgoing.piece(0))
    again = an_outgoing(64, now=9.0)
    assert again.after(incoming.add("m1", again.piece(0)), 9.0) == again.piece(64)


def test_pieces_of_two_snapshots_are_not_glued_together() -> None:
    one, other = an_outgoing(64), an_outgoing(64, 8)
    incoming = Incoming()
    incoming.add("m1", one.piece(0))
    assert incoming.add("m1", other.piece(64)).offset == 0
    assert incoming.add("m2", one.piece(0)).offset == 64


def test_a_snapshot_that_was_damaged_on_the_way_is_not_installed() -> None:
    outgoing, incoming = an_outgoing(10_000), Incoming()
    piece = outgoing.piece(0)
    damaged = piece.data[:-1] + b"?"
    incoming.add("m1", SnapshotPiece(7, 2, piece.total_bytes, piece.checksum, 0, damaged))
    assert incoming.take() is None
    assert incoming.add("m1", piece).offset == piece.total_bytes
    assert incoming.take() == arrived()


def test_an_answer_about_another_snapshot_moves_nothing() -> None:
    assert an_outgoing(64).after(SnapshotReceived(6, 2, 64), 0.0) is None
