from okube.manager.rebirth import ahead


def test_each_incarnation_has_numbers_of_its_own_and_they_only_grow() -> None:
    assert [ahead(15, incarnation) for incarnation in (2, 3, 7)] == [10**9 + 15, 2 * 10**9 + 15, 6 * 10**9 + 15]
    restored = ahead(15, 2)
    assert ahead(restored + 40, 3) == 2 * 10**9 + 55
    assert ahead(5 * 10**9, 2) > 5 * 10**9
