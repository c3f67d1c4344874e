"""Settings: which source wins, and what an error says."""

import logging
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from euryale.framework.config import ConfigError, KnownAs, SecretField, Settings, describe, load, sections_of
from euryale.kit.secret import Secret


class Level(StrEnum):
    INFO = "info"
    DEBUG = "debug"


class DatabaseSection(Settings):
    url: SecretField
    pool: int = Field(default=5, ge=1, description="open connections")


class SmtpSection(Settings):
    host: str
    port: int = 25


class Peer(Settings):
    name: str
    token: SecretField


class Hello(Settings):
    database: DatabaseSection
    smtp: SmtpSection | None = None
    level: Level = Level.INFO
    idle: timedelta = timedelta(minutes=5)
    origins: list[str] = Field(default_factory=list)
    peers: tuple[Peer, ...] = ()
    labels: dict[str, int] = Field(default_factory=dict)
    keys: tuple[SecretField, ...] = ()


URL = {"database.url": "sqlite:///x"}


def written(folder: Path, text: str) -> Path:
    file = folder / "hello.toml"
    file.write_text(text)
    return file


def test_arguments_beat_environment_beats_file_beats_defaults(tmp_path: Path):
    file = written(tmp_path, 'level = "debug"\norigins = ["a"]\n[database]\nurl = "file"\npool = 2\n')
    environ = {"HELLO_DATABASE__POOL": "3", "HELLO_ORIGINS": "b, c"}
    settings = load(Hello, prefix="hello", file=file, environ=environ, overrides={"database": {"pool": 4}})
    assert settings.database.pool == 4
    assert settings.origins == ["b", "c"]
    assert settings.level is Level.DEBUG
    assert settings.idle == timedelta(minutes=5)
    assert settings.database.url.reveal() == "file"


class Reached(Settings):
    url: Annotated[SecretField, KnownAs("DATABASE_URL")]


class Hosted(Settings):
    port: Annotated[int, KnownAs("PORT")] = 8000
    database: Reached
    archive: Reached | None = None


def test_a_variable_that_everybody_knows_beats_the_file_and_gives_way_to_the_settings_own(tmp_path: Path):
    file = written(tmp_path, 'port = 1\n[database]\nurl = "file"\n')
    given = {"PORT": "2", "DATABASE_URL": "given"}
    assert load(Hosted, prefix="hello", file=file, environ={}).port == 1
    hosted = load(Hosted, prefix="hello", file=file, environ=given)
    assert (hosted.port, hosted.database.url.reveal(), hosted.archive) == (2, "given", None)
    assert load(Hosted, prefix="hello", file=file, environ={**given, "HELLO_PORT": "3"}).port == 3


def test_a_bad_value_names_the_variable_that_everybody_knows():
    with pytest.raises(ConfigError) as raised:
        load(Hosted, prefix="hello", environ={"PORT": "many", "DATABASE_URL": "given"})
    assert [(problem.field, problem.place) for problem in raised.value.problems] == [("port", "environment: PORT")]


def test_what_a_setting_is_known_as_is_described():
    described = {setting.name: setting.known_as for setting in describe(Hosted, prefix="hello")}
    assert described == {"port": "PORT", "database.url": "DATABASE_URL", "archive.url": "DATABASE_URL"}


def test_values_of_every_kind_come_from_the_environment():
    settings = load(
        Hello,
        prefix="my-app",
        environ={
            "MY_APP_DATABASE__URL": "secret-url",
            "MY_APP_SMTP__HOST": "mail",
            "MY_APP_LEVEL": "debug",
            "MY_APP_IDLE": "PT1M",
            "MY_APP_LABELS": '{"a": 1}',
            "MY_APP_PEERS": '[{"name": "n", "token": "t"}]',
            "MY_APP_KEYS": "k1,k2",
        },
    )
    assert settings.smtp == SmtpSection(host="mail", port=25)
    assert settings.idle == timedelta(minutes=1)
    assert settings.labels == {"a": 1}
    assert settings.peers[0].token == Secret("t")
    assert settings.keys == (Secret("k1"), Secret("k2"))


def test_an_optional_section_stays_away_until_one_of_its_keys_is_set(tmp_path: Path):
    assert load(Hello, prefix="hello", overrides=URL).smtp is None
    with pytest.raises(ConfigError, match=r"smtp\.host: is missing"):
        load(Hello, prefix="hello", overrides=URL, file=written(tmp_path, "[smtp]\n"))


def test_a_missing_setting_names_its_variable_and_a_misspelt_one():
    with pytest.raises(ConfigError) as caught:
        load(Hello, prefix="HELLO", environ={"HELLO_DATABSE__URL": "x"})
    (problem,) = caught.value.problems
    assert problem.field == "database.url"
    assert problem.message == (
        "is missing: set it in the file, or as HELLO_DATABASE__URL;"
        ' is it misspelt as "HELLO_DATABSE__URL", which is set?'
    )


def test_what_an_item_lacks_is_set_by_the_variable_of_its_list(tmp_path: Path):
    file = written(tmp_path, '[[peers]]\nname = "n"\n')
    with pytest.raises(ConfigError, match=r"peers\.0\.token: is missing: set it in the file, or as HELLO_PEERS$"):
        load(Hello, prefix="HELLO", overrides=URL, file=file)


class Cache(Settings):
    size: int = 1


class Store(Settings):
    cache: Cache
    path: str = "x"


class Shop(Settings):
    store: Store


def test_a_section_with_defaults_need_not_be_given():
    assert load(Shop, prefix="shop") == Shop(store=Store(cache=Cache()))
    assert load(Shop, prefix="shop", overrides={"store": Store(cache=Cache(size=2))}).store.cache.size == 2


def test_arguments_lie_over_one_another_and_are_left_as_they_were():
    nested = {"cache": {"size": 2}}
    settings = load(Shop, prefix="shop", overrides={"store": nested, "store.cache.size": 3, "store.path": "y"})
    assert (settings.store.cache.size, settings.store.path) == (3, "y")
    assert nested == {"cache": {"size": 2}}
    settings = load(Shop, prefix="shop", overrides={"store.path": "y", "store": {"cache": {}}})
    assert settings.store.path == "y"


def test_a_bad_value_names_its_place_and_what_is_allowed(tmp_path: Path):
    file = written(tmp_path, 'level = "loud"\n[database]\nurl = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load(Hello, prefix="HELLO", file=file, environ={"HELLO_DATABASE__POOL": "zero"})
    level, pool = sorted(caught.value.problems, key=lambda problem: problem.field, reverse=True)
    assert level.place == "hello.toml: level"
    assert "'info' or 'debug'" in level.message
    assert (pool.field, pool.place) == ("database.pool", "environment: HELLO_DATABASE__POOL")
    assert "'zero' is not allowed: Input should be a valid integer" in pool.message


def test_unknown_keys_of_the_file_are_errors_with_a_suggestion(tmp_path: Path):
    file = written(tmp_path, 'levle = "info"\n[database]\nurl = "x"\nsize = 3\n[[peers]]\nnam = "n"\ntoken = "t"\n')
    with pytest.raises(ConfigError) as caught:
        load(Hello, prefix="HELLO", file=file)
    messages = {problem.field: problem.message for problem in caught.value.problems}
    assert messages["levle"] == 'is no setting; did you mean "level"?'
    assert messages["database.size"] == "is no setting"
    assert messages["peers.0.nam"] == 'is no setting; did you mean "name"?'


def test_unknown_arguments_are_errors_as_well():
    with pytest.raises(ConfigError, match=r"databaze: is no setting.*arguments: databaze"):
        load(Hello, prefix="HELLO", overrides={"databaze.url": "x", **URL})


def test_an_unknown_variable_is_warned_of(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        load(Hello, prefix="HELLO", overrides=URL, environ={"HELLO_LEVLE": "info", "HELLOS": "x"})
    assert caplog.messages == ['environment variable HELLO_LEVLE sets nothing; did you mean "HELLO_LEVEL"?']


@pytest.mark.parametrize("given", ["[1, 2", '{"a": "hunter2"}'])
def test_what_is_not_acceptable_json_is_refused(given: str):
    with pytest.raises(ConfigError, match="labels"):
        load(Hello, prefix="HELLO", overrides=URL, environ={"HELLO_LABELS": given})


def test_a_secret_is_never_printed(tmp_path: Path):
    file = written(tmp_path, "[database]\nurl = 12345678\n")
    with pytest.raises(ConfigError) as caught:
        load(Hello, prefix="HELLO", file=file, environ={"HELLO_KEYS": '["hunter2", 7]', "HELLO_LEVEL": "x"})
    assert "12345678" not in repr(caught.value) + str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    settings = load(Hello, prefix="HELLO", overrides={"database.url": "hunter2"})
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump(mode="json"))):
        assert "hunter2" not in shown
    assert settings.database.url.reveal() == "hunter2"


def test_a_secret_in_a_request_schema_is_write_only():
    schema = Peer.model_json_schema()["properties"]["token"]
    assert (schema["format"], schema["writeOnly"]) == ("password", True)


def test_an_unreadable_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(Hello, prefix="HELLO", file=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(Hello, prefix="HELLO", file=written(tmp_path, "a = \n"))


def test_describe_tells_every_setting():
    described = {setting.name: setting for setting in describe(Hello, prefix="hello")}
    assert list(described)[:3] == ["database.url", "database.pool", "smtp.host"]
    pool = described["database.pool"]
    assert (pool.type, pool.default, pool.variable) == ("int", "5", "HELLO_DATABASE__POOL")
    assert pool.description == "open connections"
    assert (described["database.url"].secret, described["database.url"].default) == (True, None)
    assert (described["keys"].secret, described["keys"].default) == (True, "[redacted]")
    assert described["level"].default == "info"


def test_loaded_settings_are_frozen_and_give_their_sections():
    settings = load(Hello, prefix="HELLO", overrides=URL)
    with pytest.raises(ValueError, match="frozen"):
        settings.level = Level.DEBUG  # type: ignore[misc]
    assert sections_of(settings) == [settings.database]


def test_any_pydantic_model_will_do():
    class Plain(BaseModel):
        port: int = 80

    assert load(Plain, prefix="p", environ={"P_PORT": "81"}).port == 81
