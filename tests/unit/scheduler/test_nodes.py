from dataclasses import replace

import numpy as np
import pytest

from tests.unit.scheduler.builders import Node, a_table


def test_rows_out_of_order_are_refused() -> None:
    table = a_table(Node("a"), Node("b"))

    with pytest.raises(ValueError, match="sorted by name"):
        replace(table, names=("b", "a"))


def test_a_name_that_comes_twice_is_refused() -> None:
    table = a_table(Node("a"), Node("b"))

    with pytest.raises(ValueError, match="no name comes twice"):
        replace(table, names=("a", "a"))


def test_a_column_of_another_length_is_refused_by_name() -> None:
    table = a_table(Node("a"), Node("b"))

    with pytest.raises(ValueError, match="column memory_free has 1 rows for 2 nodes"):
        replace(table, memory_free=np.zeros(1, dtype=np.int64))


def test_the_columns_that_may_be_left_out_have_plain_values() -> None:
    table = a_table(Node("a"), Node("b", availability="draining"))

    table = replace(table, tasks=np.zeros(0, dtype=np.int64), availability=())

    assert table.tasks.tolist() == [0, 0]
    assert table.availability == ("active", "cordoned")
