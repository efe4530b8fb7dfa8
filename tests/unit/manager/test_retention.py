from okube.manager.retention import Kept, Retention, to_forget
from okube.model.archive import ArchiveHead, Counts
from okube.model.epoch import Epoch

HOUR_MS = 60 * 60 * 1000
DAY_0 = 1_799_971_200_000  # midnight


def kept_at(hour: float, size: int = 1, why: str = "scheduled") -> Kept:
    taken_ms = DAY_0 + round(hour * HOUR_MS)
    head = ArchiveHead(1, "lab", "c1", taken_ms, "m1", why, "1.0", 1, Epoch(1, 1), "", Counts())
    return Kept(f"{hour:g}", size, head)


def test_the_newest_are_kept() -> None:
    kept = [kept_at(hour) for hour in range(10)]
    assert sorted(to_forget(kept, Retention(keep=4, days=0))) == ["0", "1", "2", "3", "4", "5"]


def test_the_last_of_each_of_some_days_is_kept() -> None:
    kept = [kept_at(hour) for hour in (1, 23, 25, 47, 49, 71, 73, 74)]
    assert sorted(to_forget(kept, Retention(keep=1, days=3))) == ["1", "23", "25", "49", "73"]


def test_the_oldest_go_where_they_take_too_much_room_but_never_the_newest_two() -> None:
    kept = [kept_at(hour, size=100) for hour in range(5)]
    assert sorted(to_forget(kept, Retention(keep=5, most_bytes=300))) == ["0", "1"]
    assert sorted(to_forget(kept, Retention(keep=5, most_bytes=10))) == ["0", "1", "2"]


def test_what_was_saved_before_a_recovery_stays() -> None:
    kept = [kept_at(0, why="recover"), *(kept_at(hour) for hour in (1, 2))]
    assert to_forget(kept, Retention(keep=1, days=0)) == ["1"]


def test_nothing_is_forgotten_of_nothing() -> None:
    assert to_forget([], Retention()) == []
