import numpy as np

from okube.scheduler.kept import Kept
from okube.scheduler.nodes import IntArray


class Squares:
    """Squares of what nodes have, and which rows were asked for."""

    def __init__(self) -> None:
        self.values = np.arange(5)
        self.asked: list[list[int]] = []

    def __call__(self, rows: IntArray) -> IntArray:
        self.asked.append(rows.tolist())
        return self.values[rows] ** 2


def test_only_touched_nodes_are_asked_for_again() -> None:
    kept, squares = Kept(5), Squares()
    assert kept.array("squares", squares).tolist() == [0, 1, 4, 9, 16]
    squares.values[[1, 3]] = 7
    kept.touch([3])
    kept.touch([1])
    assert kept.array("squares", squares).tolist() == [0, 49, 4, 49, 16]
    assert kept.array("squares", squares).tolist() == [0, 49, 4, 49, 16]
    assert squares.asked == [[0, 1, 2, 3, 4], [3, 1]]


def test_many_changes_are_asked_for_at_once_and_each_node_once() -> None:
    kept, squares = Kept(5), Squares()
    kept.array("squares", squares)
    for n in range(100):
        kept.touch([n % 2])
    kept.array("squares", squares)
    assert squares.asked[1:] == [[0, 1]]


def test_what_was_not_used_for_long_is_forgotten_where_there_is_much() -> None:
    kept, squares = Kept(5), Squares()
    for n in range(600):
        kept.array(n, squares)
    kept.array(0, squares)
    kept.array(599, squares)
    assert len(squares.asked) == 601
