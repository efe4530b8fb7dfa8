"""What is sent early is what the command sends: to the byte, or nothing is sent early."""

import json
import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from okube.cli import early
from okube.cli import run as command
from okube.cli.exits import BadInput

NAMES = st.sampled_from(["web", "a", "web-1", "Web", "-x", "1a", "web-", "x" * 41, "w_b", ""])
IMAGES = st.sampled_from(
    ["nginx", "nginx:1.27", "registry.example.com:5000/shop/web@sha256:0a", "Nginx", "a b", "-x", ""]
)
REPLICAS = st.sampled_from(["0", "1", "3", "007", "1000", "1001", "-1", "٣", "1e3", "", "1.5", "12345"])
WORDS = st.text(min_size=0, max_size=6)
PAIRS = st.one_of(
    st.tuples(st.just("--name"), NAMES),
    st.tuples(st.just("--image"), IMAGES),
    st.tuples(st.just("--replicas"), REPLICAS),
    st.tuples(st.sampled_from(["-o", "--output"]), st.sampled_from(["json", "table"])),
    st.tuples(st.just("--timeout"), st.sampled_from(["5s", "60"])),
    st.tuples(st.just("--wait")),
    st.tuples(st.just("--no-wait")),
    st.tuples(st.just("--cpus"), st.just("0.5")),
    st.tuples(st.just("-p"), st.just("8080:80")),
)


def in_full(words: list[str]) -> bytes:
    """The body of the command's own request."""
    context = command.run.make_context("run", words)
    flags = {name: value for name, value in context.params.items() if name not in ("wait", "timeout")}
    return msgspec.json.encode(command.spec_of(flags, {}, random.Random(1)))


@given(
    given_pairs=st.lists(PAIRS, max_size=4),
    image=IMAGES,
    name=NAMES,
    words=st.one_of(st.none(), st.lists(WORDS, max_size=3)),
)
def test_a_line_that_is_plain_enough_to_be_sent_early_is_sent_again_byte_for_byte(
    given_pairs: list[tuple[str, ...]], image: str, name: str, words: list[str] | None
) -> None:
    line = ["--image", image, "--name", name, *(word for pair in given_pairs for word in pair)]
    line += [] if words is None else ["--", *words]
    spec = early.spec_of(["run", *line])
    if spec is not None:
        assert early.body_of(spec) == in_full(line)


def test_plain_lines_are_plain_enough() -> None:
    line = [
        "--image",
        "nginx:1.27",
        "--name",
        "web",
        "--replicas",
        "3",
        "--",
        "sh",
        "-c",
        "trap 'exit 0' TERM; \"x\" \\",
    ]
    spec = early.spec_of(["run", *line])
    assert spec is not None
    assert early.body_of(spec) == in_full(line)
    assert json.loads(early.body_of(spec)) == spec


def test_what_the_command_would_refuse_is_never_sent() -> None:
    refused = ["--image", "nginx", "--name", "Web"]
    assert early.spec_of(["run", *refused]) is None
    try:
        in_full(refused)
    except BadInput as error:
        assert error.lines
    else:
        raise AssertionError("the command takes it")
