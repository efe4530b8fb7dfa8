from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.validity import Validity, validity_in
from tests.unit.security.conftest import NOW_MS, Cluster

DAY_MS = 86_400_000


def test_it_is_read_from_the_certificate(cluster: Cluster) -> None:
    folder = cluster.party("worker", "w1")
    found = validity_in(folder / "node.crt")
    assert found.begins_ms == pytest.approx(NOW_MS - 3_600_000, abs=1000)
    assert found.ends_ms == pytest.approx(NOW_MS + 90 * DAY_MS, abs=1000)


def test_it_is_due_at_half_of_its_life_or_a_little_later() -> None:
    validity = Validity(1_000_000, 1_120_000)
    assert validity.due_ms(0.0) == 1_060_000
    assert validity.due_ms(1.0) == 1_072_000


@pytest.mark.parametrize(("life_s", "retry_s"), [(10, 1.0), (120, 6.0), (90 * 86_400, 3600.0)])
def test_there_are_several_tries_until_the_end(life_s: int, retry_s: float) -> None:
    assert Validity(0, life_s * 1000).retry_s == retry_s


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"node\.crt cannot be read"):
        validity_in(tmp_path / "node.crt")
    (tmp_path / "node.crt").write_text("nothing")
    with pytest.raises(BadFile, match=r"node\.crt is no certificate"):
        validity_in(tmp_path / "node.crt")
