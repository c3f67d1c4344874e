"""Identifiers: sortable, unique, and safe wherever a name goes."""

import re
import threading
from datetime import timedelta

import pytest

from euryale.kit import ids
from euryale.kit.clock import ManualClock
from euryale.kit.ids import new_id, new_token


def test_an_id_is_a_prefix_and_22_plain_characters():
    assert re.fullmatch(r"note_[0-9a-hjkmnp-tv-z]{22}", new_id("note"))


def test_ids_of_one_process_sort_as_they_were_made():
    made = [new_id("x") for _ in range(5000)]
    assert made == sorted(set(made))


def test_ids_sort_as_they_were_made_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch):
    clock = ManualClock(ids.SYSTEM_CLOCK.now() + timedelta(days=1))
    monkeypatch.setattr(ids, "SYSTEM_CLOCK", clock)
    monkeypatch.setattr(ids, "_sequence", type(ids._sequence)())
    made = [new_id("x")]
    for seconds in (0, -3600, 0, 3601):
        clock.set_wall_clock(seconds)
        made.append(new_id("x"))
    assert made == sorted(set(made))


def test_threads_make_different_ids():
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id("x") for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000


def test_a_token_has_256_bits_and_goes_into_a_url():
    tokens = {new_token("eury") for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"eury_[A-Za-z0-9_-]{43}", token) for token in tokens)
