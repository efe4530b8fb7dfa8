from okube.raft.frames import SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot, SnapshotHead, pack_snapshot, unpack_snapshot
from okube.raft.transfer import Incoming, Outgoing
from tests.unit.raft.builders import members


def a_snapshot(index: int = 7, state: bytes = b"state" * 100) -> Snapshot:
    return unpack_snapshot(b"".join(pack_snapshot(SnapshotHead("c1", index, 2, members()), [state])))


def transfer(outgoing: Outgoing, incoming: Incoming, piece: SnapshotPiece | None) -> Snapshot | None:
    while piece is not None:
        received = incoming.add("m1", piece)
        if (snapshot := incoming.take()) is not None:
            return snapshot
        piece = outgoing.after(received, 0.0)
    return None


def test_a_snapshot_arrives_whole() -> None:
    outgoing = Outgoing(a_snapshot(), 64, 0.0)
    assert transfer(outgoing, Incoming(), outgoing.piece(0)) == a_snapshot()


def test_a_doubled_piece_changes_nothing_and_a_lost_one_is_asked_for() -> None:
    outgoing, incoming = Outgoing(a_snapshot(), 64, 0.0), Incoming()
    incoming.add("m1", outgoing.piece(0))
    assert incoming.add("m1", outgoing.piece(0)).offset == 64
    assert incoming.add("m1", outgoing.piece(192)) == SnapshotReceived(7, 2, 64)
    assert transfer(outgoing, incoming, outgoing.piece(64)) == a_snapshot()


def test_a_transfer_goes_on_where_it_was() -> None:
    outgoing, incoming = Outgoing(a_snapshot(), 64, 0.0), Incoming()
    incoming.add("m1", outgoing.piece(0))
    again = Outgoing(a_snapshot(), 64, 9.0)
    assert again.after(incoming.add("m1", again.piece(0)), 9.0) == again.piece(64)


def test_pieces_of_two_snapshots_are_not_glued_together() -> None:
    one, other = Outgoing(a_snapshot(7), 64, 0.0), Outgoing(a_snapshot(8), 64, 0.0)
    incoming = Incoming()
    incoming.add("m1", one.piece(0))
    assert incoming.add("m1", other.piece(64)).offset == 0
    assert incoming.add("m2", one.piece(0)).offset == 64


def test_a_snapshot_that_was_damaged_on_the_way_is_not_installed() -> None:
    outgoing, incoming = Outgoing(a_snapshot(), 10_000, 0.0), Incoming()
    piece = outgoing.piece(0)
    damaged = piece.data[:-1] + b"?"
    incoming.add("m1", SnapshotPiece(7, 2, piece.total_bytes, piece.checksum, 0, damaged))
    assert incoming.take() is None
    assert incoming.add("m1", piece).offset == piece.total_bytes
    assert incoming.take() == a_snapshot()


def test_an_answer_about_another_snapshot_moves_nothing() -> None:
    assert Outgoing(a_snapshot(), 64, 0.0).after(SnapshotReceived(6, 2, 64), 0.0) is None
