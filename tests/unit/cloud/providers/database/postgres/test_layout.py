from pathlib import Path

import pytest

from euryale.cloud.providers.database.postgres.configuration import access_text, settings_text
from euryale.cloud.providers.database.postgres.layout import Layout
from euryale.cloud.providers.database.postgres.space import require_space
from euryale.cloud.providers.errors import PermanentError, ProviderUnavailableError


def test_finds_whatever_a_branch_left_on_the_disk(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.branch("shop", "whole").directory.mkdir(parents=True)
    layout.branch("shop", "whole").record.touch()
    layout.making("shop", "half").directory.mkdir()
    layout.gone("shop", "old").mkdir()
    layout.gone("shop", "whole").mkdir()
    layout.programs.mkdir()
    assert layout.projects() == ["shop"]
    assert layout.branches("shop") == ["half", "old", "whole"]
    assert layout.complete() == [layout.branch("shop", "whole")]
    assert layout.branches("gone") == []


def test_no_name_leads_out_of_the_root(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for make in (layout.branch, layout.making, layout.gone):
        for project, name in (("..", "main"), ("shop", "../main"), ("shop", ".making-main"), (".programs", "main")):
            with pytest.raises(PermanentError):
                make(project, name)


def test_a_quote_in_the_path_stays_in_the_setting() -> None:
    assert settings_text(Path("/data/o'brien/log")).endswith("log_directory = '/data/o''brien/log'\n")


def test_nobody_connects_without_a_password_or_from_elsewhere() -> None:
    rules = [line.split() for line in access_text().splitlines() if not line.startswith("#")]
    assert rules
    assert {(rule[0], *rule[3:]) for rule in rules} == {("host", "127.0.0.1/32", "scram-sha-256")}


def test_the_reserve_is_not_given_away(tmp_path: Path) -> None:
    require_space(tmp_path, 0, reserve=0)
    for needed, reserve in ((1 << 60, 0), (0, 1 << 60)):
        with pytest.raises(ProviderUnavailableError, match="Free some disk space"):
            require_space(tmp_path, needed, reserve=reserve)
