import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from euryale.cloud.host.errors import HostError
from euryale.cloud.providers.database.postgres.record import BranchRecord, read_record, write_record


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    record = BranchRecord.fresh().at(15432)
    write_record(tmp_path / "branch.json", record.at(1))
    write_record(tmp_path / "branch.json", record)
    assert read_record(tmp_path / "branch.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["branch.json"]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    write_record(tmp_path / "branch.json", BranchRecord.fresh())
    assert stat.S_IMODE((tmp_path / "branch.json").stat().st_mode) == 0o600


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path / "branch.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"port": "x", "password": "", "superuser_password": ""}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "branch.json"
    path.write_text(text)
    with pytest.raises(HostError, match=r"branch\.json"):
        read_record(path)


def test_every_record_has_passwords_of_its_own_that_are_not_printed() -> None:
    one, two = BranchRecord.fresh(), BranchRecord.fresh()
    passwords = {each.reveal() for record in (one, two) for each in (record.password, record.superuser_password)}
    assert len(passwords) == 4
    assert not any(password in repr((one, two)) for password in passwords)


def test_the_url_needs_no_escapes() -> None:
    record = BranchRecord.fresh().at(15432)
    url = urlsplit(record.url().reveal())
    assert (url.scheme, url.hostname, url.port, url.path) == ("postgresql", "127.0.0.1", 15432, "/app")
    assert url.password == record.password.reveal()
    assert set(str(url.password)).isdisjoint("%@:/?#'\"\\")
