"""Keys, encrypted values and times, without a database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from euryale.framework.data import DataError, EncryptedText, EncryptionError, KeyRing, UtcDateTime
from euryale.framework.data.types import register_keys
from euryale.kit.secret import Secret


def test_any_key_of_the_ring_decrypts_and_the_first_encrypts():
    old, new = KeyRing.new_key(), KeyRing.new_key()
    stored = KeyRing([old]).encrypt(Secret("hunter2"))
    assert "hunter2" not in stored
    assert KeyRing([new, old]).decrypt(stored) == Secret("hunter2")
    with pytest.raises(EncryptionError, match="none of the keys"):
        KeyRing([new]).decrypt(stored)
    assert KeyRing([new]).decrypt(KeyRing([new, old]).encrypt(Secret("x"))) == Secret("x")


def test_what_is_no_key_is_refused_without_quoting_it():
    with pytest.raises(EncryptionError) as caught:
        KeyRing([Secret("hunter2")])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(EncryptionError, match="at least one"):
        KeyRing([])


def test_encrypted_text_needs_keys_and_a_secret():
    column, dialect = EncryptedText(), sqlite.dialect()
    with pytest.raises(EncryptionError, match="has no keys"):
        column.process_bind_param(Secret("x"), dialect)
    register_keys(dialect, KeyRing([KeyRing.new_key()]))
    stored = column.process_bind_param(Secret("x"), dialect)
    assert column.process_result_value(stored, dialect) == Secret("x")
    with pytest.raises(EncryptionError, match="takes a Secret"):
        column.process_bind_param("x", dialect)  # type: ignore[arg-type]
    assert column.process_bind_param(None, dialect) is None


def test_times_are_aware_and_in_utc():
    column, dialect = UtcDateTime(), sqlite.dialect()
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert column.process_bind_param(noon, dialect) == datetime(2026, 1, 1, 10, tzinfo=UTC)
    read = column.process_result_value(datetime(2026, 1, 1, 10), dialect)  # noqa: DTZ001 -- as SQLite gives it
    assert read == noon
    assert read is not None
    assert read.tzinfo is UTC
    with pytest.raises(DataError, match="has no time zone"):
        column.process_bind_param(datetime(2026, 1, 1), dialect)  # noqa: DTZ001 -- that is what is refused
