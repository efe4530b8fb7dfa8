import math

from hypothesis import example, given
from hypothesis import strategies as st

from okube.model.network import Coordinate
from okube.network.coordinates import DIMENSIONS, FARTHEST_S, distance, is_sound, updated

_numbers = st.floats(-FARTHEST_S, FARTHEST_S)
_sound = st.builds(
    Coordinate,
    st.tuples(*[_numbers] * DIMENSIONS),
    st.floats(0, FARTHEST_S),
    st.floats(0, 2),
)
_anything = st.builds(Coordinate, st.lists(st.floats(), max_size=DIMENSIONS + 1).map(tuple), st.floats(), st.floats())
_directions = st.lists(st.floats(-3, 3), min_size=DIMENSIONS, max_size=DIMENSIONS).filter(
    lambda direction: math.hypot(*direction) > 0.1
)


@given(_sound, _sound | _anything, st.floats(), _directions)
def test_whatever_a_peer_says_a_coordinate_stays_sound(
    own: Coordinate, peer: Coordinate, rtt_s: float, direction: list[float]
) -> None:
    assert is_sound(updated(own, peer, rtt_s, direction))


@given(_sound, _sound, st.floats(1e-6, FARTHEST_S), _directions)
def test_no_step_is_longer_than_a_quarter_of_the_round_trip(
    own: Coordinate, peer: Coordinate, rtt_s: float, direction: list[float]
) -> None:
    moved = updated(own, peer, rtt_s, direction)
    gravity_s = (math.hypot(*own.position) + 1) ** 2 / 1e4
    assert math.dist(own.position, moved.position) <= 0.25 * max(rtt_s, 0.02) + gravity_s + 1e-9


@given(_sound, _sound, st.floats(0.001, 1.0), _directions)
@example(Coordinate((0.0,) * DIMENSIONS, 0.0, 0.0), Coordinate((0.0,) * DIMENSIONS, 2.0, 0.0), 1.0, [0, 0, 0, 0, 1.0])
def test_a_step_goes_towards_what_was_measured(
    own: Coordinate, peer: Coordinate, rtt_s: float, direction: list[float]
) -> None:
    before, after = distance(own, peer), distance(updated(own, peer, rtt_s, direction), peer)
    gravity_s = (math.hypot(*own.position) + 1) ** 2 / 1e4
    assert abs(after - rtt_s) <= abs(before - rtt_s) + gravity_s + 1e-5


@given(_sound, _sound)
def test_there_and_back_are_equally_far(one: Coordinate, other: Coordinate) -> None:
    assert distance(one, other) == distance(other, one)
