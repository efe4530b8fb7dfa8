import pytest

from okube.config.hosts import canonical_host, host_error, is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "m1",
        "server-1.example.com",
        "EXAMPLE.com",
        "192.0.2.1",
        "::1",
        "2001:db8::1",
        "1and1.example",
        "x" * 63,
    ],
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert host_error(host) is None


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("", "write a host name"),
        ("a b", "write a host name"),
        ("-a.example.com", "write a host name"),
        ("a..example.com", "write a host name"),
        ("a_b", "write a host name"),
        ("x" * 64, "write a host name"),
        (".".join(["x" * 60] * 5), "write a host name"),
        ("300.1.1.1", "write a host name"),
        ("192.0.2", "write a host name"),
        ("12345", "write a host name"),
        ("m1\n", "write a host name"),
        ("https://m1", "the port with the key 'port'"),
        ("m1:7101", "the port with the key 'port'"),
        ("192.0.2.1:7101", "the port with the key 'port'"),
        ("[::1]", "without brackets, ::1"),
        ("0.0.0.0", "give the one at which the others reach it"),
        ("::", "give the one at which the others reach it"),
        ("fe80::1%eth0", "no address that other machines can reach"),
        ("224.0.0.1", "no address that other machines can reach"),
    ],
)
def test_what_is_no_host_is_told_why(host: str, why: str) -> None:
    message = host_error(host)
    assert message is not None
    assert why in message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("localhost", "127.0.0.1"),
        ("EXAMPLE.com", "example.com"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("LocalHost", "127.0.0.1"),
    ],
)
def test_two_ways_to_write_a_host_are_one(one: str, other: str) -> None:
    assert canonical_host(one) == canonical_host(other)


def test_loopback_is_the_machine_itself() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.5", "::1", "192.0.2.1", "m1", "")] == [True] * 3 + [
        False
    ] * 3
