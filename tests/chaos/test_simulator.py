"""Many executions, several workers, and everything that may go wrong, out of one number; see scripts/simulate."""

import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from euryale.workflows import Status
from euryale.workflows.record.queueing import Admission
from euryale.workflows.record.schedule import decide
from euryale.workflows.runtime.dues import Dues
from euryale.workflows.runtime.forward import Forward
from euryale.workflows.runtime.marks import Marks
from euryale.workflows.runtime.resting import Resting
from euryale.workflows.stores import memory
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import Disturbances, Load, ViolationError, simulate
from euryale.workflows.testing.simulator.storm import Storm
from simulated_workflows import ANSWERS, LOADS, choosing, draw, lenient, parallel, patient, straight

CHUNK = 25
USUAL = 300
LONG = 5_000
NARROWLY = 2_000
DIGEST = """
import sys
from euryale.workflows.testing import simulate
from simulated_workflows import LOADS
print(simulate(int(sys.argv[1]), LOADS).digest)
"""


def blow(first: int) -> Counter[Status]:
    """Run the simulations of one chunk; name all seeds that fail."""
    ended: Counter[Status] = Counter()
    failed = {}
    for seed in range(first, first + CHUNK):
        try:
            ended.update(simulate(seed, LOADS).statuses.values())
        except ViolationError as error:
            failed[seed] = str(error).partition("\n\n")[0]
    assert failed == {}, "see what happened with: scripts/simulate SEED"
    return ended


@pytest.mark.parametrize("first", range(0, USUAL, CHUNK))
def test_what_is_promised_is_kept_in_any_storm(first):
    ended = blow(first)
    assert ended[Status.SUCCEEDED] > CHUNK, "there was something to lose"
    assert ended[Status.REVERTED] > CHUNK / 5, "and something to undo"


@pytest.mark.long
@pytest.mark.parametrize("first", range(USUAL, USUAL + LONG, CHUNK))
def test_what_is_promised_is_kept_in_very_many_storms(first):
    blow(first)


@pytest.mark.parametrize("seed", [3, 16, 68])
def test_the_same_seed_gives_the_same_trace(seed):
    once, again = simulate(seed, LOADS), simulate(seed, LOADS)
    assert once.trace == again.trace
    assert once.digest == again.digest != simulate(seed + 1, LOADS).digest


def test_the_same_seed_gives_the_same_trace_in_another_process():
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    digests = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", DIGEST, "16"]
        digests.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip())
    assert digests == {simulate(16, LOADS).digest}


@pytest.fixture
def collecting(monkeypatch):
    """Let the garbage collector run again and again while a storm blows."""
    draws, draw_one = count(1), Storm._draw

    def collect_and_draw(storm, chance):
        if next(draws) % 20 == 0:
            gc.collect()
        return draw_one(storm, chance)

    monkeypatch.setattr(Storm, "_draw", collect_and_draw)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("collecting")
@pytest.mark.parametrize("seed", [125, 131])
def test_what_the_dead_were_about_to_do_is_not_broken_off_by_the_collector(seed):
    simulate(seed, LOADS, disturbances=Disturbances(crashes=6.0, restarts=3.0, drains=3.0))


def test_without_disturbances_everything_succeeds():
    calm = Disturbances(*([0.0] * 14))
    done = simulate(1, [Load(straight, lambda _: 1), Load(lenient, lambda _: 1)], disturbances=calm)
    assert set(done.statuses.values()) == {Status.SUCCEEDED}


def _accept(_store, _commit):
    return True


def _forget(_store, _now=None):
    return False


async def _claim_nothing(store, execution_id, *, after=0):
    """Lose the last entry of every journal of some length."""
    journal = await LOAD(store, execution_id, after=after)
    if journal is None or len(journal.entries) < 4:
        return journal
    return type(journal)(journal.row, journal.entries[:-1], journal.messages)


LOAD = MemoryStore.load
STORMY = Disturbances(hang=0.3, freezes=6.0)
WRONG = Disturbances(hang=0.3, jumps=60.0)


def _offer(_admission, _key):
    """Give a slot to everybody."""
    return True


def _decide(row, firing, *, known, former_open):
    """Let every tick fire, decided or not."""
    return decide(replace(row, decided=0.0), firing, known=known, former_open=former_open)


def _forget_mark(_marks, _message):
    return True


async def _make_nothing_due(_dues):
    """Wait for the wall clock."""


async def _go_on(_resting, _lane):
    """Begin the next step, draining or not."""


def blow_often() -> None:
    for seed in range(40):
        simulate(seed, LOADS)


def blow_often_with_wrong_clocks() -> None:
    for seed in range(15):
        simulate(seed, LOADS, executions=20, disturbances=WRONG)


def blow_hard() -> None:
    for seed in range(40):
        simulate(seed, [Load(straight, lambda _: 1)], executions=3, disturbances=STORMY)


@pytest.mark.parametrize(
    ("broken", "how", "shown"),
    [
        ("_accepts", _accept, "is written by"),
        ("load", _claim_nothing, "seed"),
        ("_knows", _forget, "not everything has ended"),
    ],
    ids=["accepts what is stale", "forgets the last entry", "gives nobody anything"],
)
def test_a_store_that_breaks_its_promises_is_found_out(monkeypatch, broken, how, shown):
    monkeypatch.setattr(MemoryStore, broken, how)
    with pytest.raises(ViolationError, match=shown) as caught:
        blow_hard()
    assert "begins" in str(caught.value), "its trace is told"


@pytest.mark.parametrize(
    ("of", "broken", "how", "shown"),
    [
        (Admission, "offer", _offer, "and not at most"),
        (memory, "decide", _decide, "a second time"),
        (Marks, "take", _forget_mark, "by hand"),
        (Resting, "between_steps", _go_on, "drained"),
    ],
    ids=["gives out too many slots", "fires ticks twice", "forgets marks", "begins steps while it drains"],
)
def test_an_engine_that_breaks_its_promises_is_found_out(monkeypatch, of, broken, how, shown):
    monkeypatch.setattr(of, broken, how)
    with pytest.raises(ViolationError, match=shown):
        blow_often()


BRIEF = [Load(straight, draw)]
BESIDE = [Load(patient, draw, ANSWERS)]
BEHIND = [Load(choosing, draw), Load(parallel, draw)]
CANCELLED = Disturbances(cancellations=1.0, slow_call=0.5)
FAILING = Disturbances(step_failure=0.2, hang=0.3, crashes=6.0, marks=0.8)
TAKEN_OVER = Disturbances(cancellations=1.0, crashes=8.0, freezes=5.0, slow_call=0.3, hang=0.1)
NARROW = [(BRIEF, CANCELLED), (BESIDE, FAILING), (BEHIND, TAKEN_OVER)]
"""Storms in which moments often meet that seldom do in the usual ones."""


def _never_cancelled(_store, _row):
    """Let a success be written over a cancellation of which its worker has not heard."""
    return False


def _no_earlier_failure(_forward, _vertices):
    """Go on although a step had failed whose turn was not written any more."""


def _pass_nothing_again(_forward, vertices):
    """Forget what was begun behind a choice or an event that was not written any more."""
    return vertices


def violations(loads, disturbances, first=0) -> Iterator[str]:
    """Yield what some storms of one kind show."""
    for seed in range(first, first + CHUNK):
        try:
            simulate(seed, loads, executions=20, disturbances=disturbances)
        except ViolationError as error:
            yield str(error).partition("\n\n")[0]


@pytest.mark.parametrize(
    ("of", "broken", "how", "storm", "shown"),
    [
        (MemoryStore, "_is_cancelled", _never_cancelled, 0, "it has succeeded although it was cancelled before"),
        (MemoryStore, "_is_cancelled", _never_cancelled, 0, "will be undone, and it has succeeded"),
        (Forward, "_earlier_failure", _no_earlier_failure, 1, "begins again though it is failed"),
        (Forward, "_catch_up", _pass_nothing_again, 2, "began, and its journal does not say so"),
    ],
    ids=["succeeds though cancelled", "breaks its word", "forgets a failure beside", "forgets what it had begun"],
)
def test_what_shows_only_when_moments_meet_is_found_out(monkeypatch, of, broken, how, storm, shown):
    monkeypatch.setattr(of, broken, how)
    assert any(shown in each for each in violations(*NARROW[storm]))


@pytest.mark.parametrize("storm", NARROW, ids=["cancelled", "failing", "taken over"])
def test_what_is_promised_is_kept_when_moments_meet(storm):
    assert list(violations(*storm)) == []


@pytest.mark.long
@pytest.mark.parametrize("storm", NARROW, ids=["cancelled", "failing", "taken over"])
@pytest.mark.parametrize("first", range(CHUNK, NARROWLY, CHUNK))
def test_what_is_promised_is_kept_when_moments_meet_very_often(storm, first):
    assert list(violations(*storm, first)) == []


def test_an_engine_that_waits_for_a_clock_that_was_wrong_is_found_out(monkeypatch):
    blow_often_with_wrong_clocks()
    monkeypatch.setattr(Dues, "run", _make_nothing_due)
    with pytest.raises(ViolationError, match="held up"):
        blow_often_with_wrong_clocks()
