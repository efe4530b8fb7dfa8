import pytest

from okube.model.quantities import MAX_BYTES, format_bytes, format_seconds, parse_bytes, parse_seconds, rfc3339


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("512M", 512 << 20),
        ("512m", 512 << 20),
        ("2G", 2 << 30),
        ("1.5G", 3 << 29),
        ("256MiB", 256 << 20),
        ("256 mb", 256 << 20),
        ("1k", 1024),
        ("7b", 7),
        ("0", 0),
        (" 5 ", 5),
        ("1P", 1 << 50),
        (1048576, 1 << 20),
        (1.9, 1),
        (MAX_BYTES, MAX_BYTES),
    ],
)
def test_amounts_of_bytes(written: object, count: int) -> None:
    found = parse_bytes(written)
    assert (found, type(found)) == (count, int)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "M",
        "5X",
        "-1",
        "1e3",
        "1_000",
        ".5G",
        "5.M",
        "5 G B",
        "٣M",
        "²",
        "512M\n5",
        True,
        None,
        [],
        {},
        -1,
        -0.5,
        MAX_BYTES + 1,
        10**400,
        "9" * 500,
        "16P",
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_amount_of_bytes(written: object) -> None:
    with pytest.raises(ValueError, match=r"is not an amount of bytes: write 512M|is out of range: 0 to"):
        parse_bytes(written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("3s", 3),
        ("2m", 120),
        ("1h", 3600),
        ("1.5h", 5400),
        ("1d", 86400),
        (3, 3),
        (0.25, 0.25),
        (" 1s ", 1),
    ],
)
def test_times(written: object, seconds: float) -> None:
    found = parse_seconds(written)
    assert type(found) is float
    assert found == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    ["", "5", "s", "5 s", "-1s", "1e3s", "5S", "5M", "1h30m", "٣s", True, None, [], -1, "367d", 10**400, float("nan")],
)
def test_what_is_no_time(written: object) -> None:
    with pytest.raises(ValueError, match=r"is not a time: write 500ms|is out of range: 0 to 366 days"):
        parse_seconds(written)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (1 << 20, "1.0 MiB"),
        (3 << 29, "1.5 GiB"),
        ((1 << 30) - 1, "1.0 GiB"),
        (1 << 40, "1.0 TiB"),
        (MAX_BYTES, "8.0 PiB"),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.85, "850ms"), (0.9999, "1s"), (4, "4s"), (119, "119s"), (180, "3m"), (7200, "2h"), (432000, "5d")],
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_of_the_calendar(time_ms: int | None, text: str | None) -> None:
    assert rfc3339(time_ms) == text
