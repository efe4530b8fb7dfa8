from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okube.model.errors import InvalidInput
from okube.model.quantities import format_bytes, parse_bytes, parse_seconds, rfc3339
from okube.model.spec import ServiceSpec, decode_spec

patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others share the machine
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from([field.name for field in msgspec.structs.fields(ServiceSpec)])
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
ports = st.integers(1, 65535)
near_misses = st.sampled_from(
    [
        "8080:80",
        "on-failure:3",
        "data:/data",
        "512M",
        "3s",
        "node.zone == a",
        "SIGTERM",
        "job",
        {"container": 80},
        {"policy": "always"},
        {"source": "a", "target": "/a"},
        {"cpus": 1, "memory": "1G"},
        ["a", "b"],
        {"A": "b"},
    ]
)


@patiently
@given(anything)
def test_whatever_comes_is_a_service_or_a_list_of_errors(data: Any) -> None:
    try:
        decode_spec(data)
    except InvalidInput as error:
        assert error.errors
        assert all(each.message for each in error.errors)


@patiently
@given(st.dictionaries(field_names, anything | near_misses | st.lists(near_misses, max_size=3), max_size=6))
def test_whatever_stands_in_a_field_the_error_names_that_field(fields: dict[str, Any]) -> None:
    data = {"name": "web", "image": "nginx", **fields}
    try:
        made = decode_spec(data)
    except InvalidInput as error:
        names = tuple(data)
        assert all(each.path.startswith(names) for each in error.errors)
        return
    assert decode_spec(msgspec.to_builtins(made)) == made


@patiently
@given(
    st.fixed_dictionaries(
        {"name": labels, "image": labels},
        optional={
            "app": labels,
            "replicas": st.integers(0, 100_000),
            "command": st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)),
            "env": st.dictionaries(labels.map(lambda text: f"V{text}"), labels),
            "ports": st.lists(
                st.fixed_dictionaries({"container": ports, "host": ports}),
                max_size=3,
                unique_by=lambda port: port["host"],
            ),
            "volumes": st.lists(labels.map(lambda name: f"{name}:/{name}"), max_size=3, unique=True),
            "resources": st.fixed_dictionaries({"cpus": st.floats(0.01, 64), "memory": st.integers(6 << 20, 1 << 40)}),
            "labels": st.dictionaries(labels, labels, max_size=3),
        },
    )
)
def test_what_is_right_goes_to_the_log_and_back_unchanged(data: dict[str, Any]) -> None:
    made = decode_spec(data)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=ServiceSpec) == made
    assert decode_spec(msgspec.json.decode(msgspec.json.encode(made))) == made


@patiently
@given(scalars)
def test_quantities_are_read_or_refused_with_a_sentence(value: Any) -> None:
    for parse in (parse_bytes, parse_seconds):
        try:
            assert parse(value) >= 0
        except ValueError as error:
            assert "write" in str(error) or "out of range" in str(error)


@patiently
@given(st.integers(0, 1 << 53))
def test_bytes_for_people_are_within_a_twentieth_of_a_unit(count: int) -> None:
    number, unit = format_bytes(count).split()
    factor = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].index(unit)
    assert abs(float(number) * factor - count) <= 0.0501 * factor
    assert float(number) < 1024


@patiently
@given(st.integers(0, 253_402_300_799_999))
def test_a_time_of_the_calendar_keeps_its_milliseconds(time_ms: int) -> None:
    assert str(rfc3339(time_ms)).endswith(f".{time_ms % 1000:03}Z")
