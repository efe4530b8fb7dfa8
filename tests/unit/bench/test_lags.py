import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from okube.bench.lags import Lags, lags_between, lags_in
from okube.bench.site import samples_of
from okube.manager.metrics.instruments import Metrics

BOUNDS = (0.001, 0.01, 0.1, math.inf)


def lags(*below: float) -> Lags:
    return Lags(dict(zip(BOUNDS, below, strict=True)))


def test_a_quantile_lies_straight_within_its_bucket() -> None:
    found = lags(50, 90, 100, 100)
    assert found.quantile_s(0.25) == pytest.approx(0.0005)
    assert found.quantile_s(0.5) == pytest.approx(0.001)
    assert found.quantile_s(0.7) == pytest.approx(0.0055)
    assert found.quantile_s(1.0) == pytest.approx(0.1)


def test_what_is_above_the_last_bound_counts_as_that_bound() -> None:
    assert lags(0, 0, 0, 5).quantile_s(0.99) == pytest.approx(0.1)


def test_nothing_observed_is_no_lag() -> None:
    assert lags(0, 0, 0, 0).quantile_s(0.99) == 0.0
    assert Lags({}).quantile_s(0.5) == 0.0


def test_what_was_observed_before_the_first_reading_does_not_count() -> None:
    assert lags_between(lags(10, 10, 10, 10), lags(10, 20, 20, 20)).quantile_s(0.01) > 0.001


@given(st.lists(st.floats(0.0, 0.0999), min_size=1, max_size=50), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_quantiles_rise_with_their_share(observed: list[float], one: float, other: float) -> None:
    found = Lags({bound: sum(value <= bound for value in observed) for bound in BOUNDS})
    low, high = sorted((found.quantile_s(one), found.quantile_s(other)))
    assert (found.quantile_s(min(one, other)), found.quantile_s(max(one, other))) == (low, high)
    assert 0.0 <= low <= high <= 0.1


def test_the_histogram_of_a_manager_is_found_in_what_it_tells() -> None:
    metrics = Metrics()
    for value_s in (0.0004, 0.02, 0.02, 9.0):
        metrics.loop_lag.observe(value_s)
    found = lags_in(samples_of(generate_latest(metrics.registry).decode()))
    assert found.count == 4
    assert 0.01 < found.quantile_s(0.5) <= 0.025
