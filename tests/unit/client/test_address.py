import pytest

from okube.client.address import Address, parse_address, parse_addresses


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://192.0.2.10:7101", "192.0.2.10", 7101),
        ("192.0.2.10:7102", "192.0.2.10", 7102),
        ("manager-1.example.com", "manager-1.example.com", 7101),
        ("https://[2001:db8::1]:7103/", "2001:db8::1", 7103),
        (" https://192.0.2.10 ", "192.0.2.10", 7101),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["http://192.0.2.10", "", "https://", "192.0.2.10:seven", "192.0.2.10:70000", "https://u@h", "a b", "https://h/v1"],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write https://192\.0\.2\.10:7101"):
        parse_address(text)


def test_an_address_reads_back_from_its_text() -> None:
    for address in (Address("2001:db8::1", 7101), Address("192.0.2.1", 1)):
        assert parse_address(str(address)) == address


def test_a_list_is_read_between_commas_each_once_and_in_order() -> None:
    assert [str(a) for a in parse_addresses("b:1, a:2,b:1,")] == ["b:1", "a:2"]


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="no manager is named"):
        parse_addresses(" , ")
