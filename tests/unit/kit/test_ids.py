"""Identifiers: sortable, unique, and safe wherever a name goes."""

import os
import random
import re
import threading

from euryale.kit.clock import ManualClock
from euryale.kit.ids import ids_from, new_id, new_token


def test_an_id_is_a_prefix_and_22_plain_characters():
    assert re.fullmatch(r"note_[0-9a-hjkmnp-tv-z]{22}", new_id("note"))


def test_ids_of_one_process_sort_as_they_were_made():
    made = [new_id("x") for _ in range(5000)]
    assert made == sorted(set(made))


def test_ids_sort_as_they_were_made_when_the_clock_goes_back():
    clock = ManualClock()
    with ids_from(clock, os.urandom):
        made = [new_id("x")]
        for seconds in (0, -3600, 0, 3601):
            clock.set_wall_clock(seconds)
            made.append(new_id("x"))
    assert made == sorted(set(made))


def test_ids_from_a_seed_are_the_same_again_and_only_inside_of_the_block():
    made = []
    for _ in range(2):
        with ids_from(ManualClock(), random.Random(7).randbytes):
            made.append([new_id("x"), new_id("x")])
    assert made[0] == made[1]
    assert made[0][0] < made[0][1]
    assert new_id("x") not in made[0]


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
