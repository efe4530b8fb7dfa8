from hypothesis import given
from hypothesis import strategies as st

from okube.raft.flow import PIECE_BYTES, Flow, in_pieces


@given(st.lists(st.sampled_from([0, 10, 1000, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES]), max_size=40))
def test_pieces_are_all_there_in_order_and_none_is_large_but_for_a_single_entry(sizes: list[int]) -> None:
    entries = [(place, bytes(size)) for place, size in enumerate(sizes)]
    pieces = list(in_pieces(entries))
    assert [entry for _, piece in pieces for entry in piece] == entries
    assert [first for first, _ in pieces] == [sum(len(p) for _, p in pieces[:place]) for place in range(len(pieces))]
    assert all(len(piece) <= 1 or sum(len(command) for _, command in piece) <= PIECE_BYTES for _, piece in pieces)
    assert all(piece for _, piece in pieces) or not entries


def test_no_entries_are_one_heartbeat() -> None:
    assert list(in_pieces([])) == [(0, [])]


def test_a_window_closes_with_what_is_on_its_way_and_opens_with_what_is_acknowledged() -> None:
    flow = Flow(1000)
    for last_index, size in ((3, 600), (5, 600)):
        assert flow.has_room
        flow.sent(last_index, size, 0.0)
    assert not flow.has_room
    flow.acknowledged(3)
    assert not flow.has_room
    flow.acknowledged(4)
    assert flow.has_room


def test_a_link_that_is_made_anew_has_nothing_on_its_way() -> None:
    flow = Flow(1000)
    flow.sent(3, 5000, 0.0)
    flow.restart()
    assert flow.has_room


def test_heartbeats_take_no_room() -> None:
    flow = Flow(1000)
    for _ in range(5000):
        flow.sent(3, 0, 1.0)
    assert flow.has_room
