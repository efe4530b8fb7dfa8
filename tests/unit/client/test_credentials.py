from pathlib import Path

import pytest

from okube.client.credentials import find_credentials
from okube.model.errors import BadFile
from tests.unit.client.playing import TOKEN, Certificates


def _copy(certificates: Certificates, folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes((certificates.admin / name).read_bytes())
        (folder / name).chmod(0o600)
    return folder


def test_the_certificate_goes_before_the_token(certificates: Certificates) -> None:
    assert find_credentials(certificates.admin).token is None


def test_a_token_that_is_given_goes_before_the_certificate(certificates: Certificates) -> None:
    assert find_credentials(certificates.admin, token="okube-mine").token == "okube-mine"  # a test's


def test_without_a_certificate_the_tokens_file_is_taken(certificates: Certificates, tmp_path: Path) -> None:
    assert find_credentials(_copy(certificates, tmp_path, "ca.crt", "token")).token == TOKEN


def test_an_empty_folder_says_where_credentials_come_from(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="`okube up` makes them"):
        find_credentials(tmp_path)


def test_a_folder_with_the_ca_alone_says_what_is_missing(certificates: Certificates, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"neither admin\.crt with admin\.key nor token"):
        find_credentials(_copy(certificates, tmp_path, "ca.crt"))


def test_a_damaged_ca_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing of use")
    with pytest.raises(BadFile, match=r"ca\.crt"):
        find_credentials(tmp_path, token="okube-mine").context()  # a test's
