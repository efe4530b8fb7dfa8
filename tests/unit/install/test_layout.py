"""Where things are on an installed machine."""

from pathlib import PurePosixPath

import pytest

from okube.install.layout import LAYOUT, Layout


def test_each_release_has_a_folder_and_a_program_of_its_own() -> None:
    assert str(LAYOUT.program("0.1.0-3fa9c1d2")) == "/opt/okube/versions/0.1.0-3fa9c1d2/bin/okube"


def test_a_release_is_read_back_from_its_program() -> None:
    assert LAYOUT.release_of(str(LAYOUT.program("0.1.0-3fa9c1d2"))) == "0.1.0-3fa9c1d2"


@pytest.mark.parametrize(
    "program",
    ["okube", "/usr/bin/okube", "/opt/okube/current/bin/okube", "/opt/okube/versions/0.1.0-3fa9c1d2/bin/python", "/"],
)
def test_any_other_program_is_of_no_release(program: str) -> None:
    assert LAYOUT.release_of(program) is None


def test_a_file_system_for_another_machine_has_all_of_it_below_its_root() -> None:
    below = Layout(PurePosixPath("/mnt/image"))
    places = (below.versions, below.current, below.command, below.cluster_file, below.keys, below.data, below.units)
    assert all(place.is_relative_to("/mnt/image") for place in places)


def test_keys_are_not_in_the_data() -> None:
    assert not LAYOUT.keys.is_relative_to(LAYOUT.data)
