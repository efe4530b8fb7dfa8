"""The search agrees with the definition, for any small history."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checker import Operation, check
from tests.unit.checker.brute_force import has_order

VALUES = st.sampled_from([None, 1, 2, 3])
MOMENTS = st.integers(0, 12)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(["read", "write", "cas"]))
    begun = draw(MOMENTS)
    ended = begun + draw(st.integers(0, 6))
    if kind == "read":
        return Operation("c", "k", "read", begun, ended, result=draw(VALUES))
    is_known = draw(st.sampled_from([True, True, True, False]))
    end = ended if is_known else None
    if kind == "write":
        return Operation("c", "k", "write", begun, end, value=draw(VALUES))
    result = draw(st.booleans()) if is_known else None
    return Operation("c", "k", "cas", begun, end, value=draw(VALUES), expected=draw(VALUES), result=result)


@settings(max_examples=600, deadline=None)
@given(st.lists(operations(), max_size=6))
def test_it_says_what_the_definition_says(history: list[Operation]) -> None:
    assert (check(history) is None) == has_order(history)


@settings(max_examples=200, deadline=None)
@given(st.lists(operations(), max_size=6))
def test_what_it_shows_of_a_bad_history_is_bad_by_itself(history: list[Operation]) -> None:
    violation = check(history)
    if violation is not None:
        assert not has_order(violation.operations)
