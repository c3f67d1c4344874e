import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from euryale.cloud.providers.source.git.push import parse_note
from euryale.cloud.providers.source.git.spool import PushSpool
from euryale.cloud.providers.source.remotes import Push, RefChange
from euryale.kit.clock import ManualClock

ZERO, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
TEXT = f"shop\n{{pid}}\n{ZERO} {ONE} refs/heads/main\n{ONE} {TWO} refs/heads/a b\n{TWO} {ZERO} refs/tags/v1\n"
WHOLE = Push(
    "shop",
    (
        RefChange("refs/heads/main", None, ONE),
        RefChange("refs/heads/a b", ONE, TWO),
        RefChange("refs/tags/v1", TWO, None),
    ),
    "push_1",
)


@pytest.fixture
def ended() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def spool(tmp_path: Path) -> PushSpool:
    return PushSpool(tmp_path / "pushes", clock=ManualClock(datetime.now(UTC)))  # noqa: TID251 -- as files are dated


async def nothing(name: str) -> Mapping[str, str]:
    return {}


def test_a_note_is_read_as_git_wrote_it():
    note = parse_note(TEXT.format(pid=7).encode(), "push_1")
    assert note is not None
    assert (note.push, note.process) == (WHOLE, 7)
    assert [change.branch for change in note.push.changes] == ["main", "a b", None]
    assert parse_note(b"", "push_1") is None
    assert parse_note(b"shop\nnope\n", "push_1") is None


async def test_a_push_is_pending_until_done(spool):
    (spool.root / "push_1.push").write_text(TEXT.format(pid=1))
    assert await spool.pending(nothing) == (WHOLE,)
    assert await spool.pending(nothing, "shop") == (WHOLE,)
    assert await spool.pending(nothing, "other") == ()
    spool.done("push_1")
    spool.done("push_1")
    spool.done("../push_1")
    assert await spool.pending(nothing) == ()


async def test_an_intent_whose_git_has_ended_is_judged_by_the_refs(spool, ended):
    (spool.root / "push_1.intent").write_text(TEXT.format(pid=ended))

    async def refs(name: str) -> Mapping[str, str]:
        assert name == "shop"
        return {"refs/heads/main": ONE, "refs/heads/a b": ONE}

    pending = await spool.pending(refs)
    assert pending == (Push("shop", (WHOLE.changes[0], WHOLE.changes[2]), "push_1"),)
    assert await spool.pending(nothing) == pending
    spool.done("push_1")
    assert list(spool.root.iterdir()) == []


async def test_an_intent_that_came_to_nothing_is_dropped(spool, ended):
    text = f"shop\n{ended}\n{ZERO} {ONE} refs/heads/main\n"
    (spool.root / "push_1.intent").write_text(text)
    assert await spool.pending(nothing) == ()
    assert list(spool.root.iterdir()) == []


async def test_an_intent_whose_git_runs_is_left_alone_for_ten_minutes(spool):
    intent = spool.root / "push_1.intent"
    intent.write_text(TEXT.format(pid=os.getpid()))

    async def refs(name: str) -> Mapping[str, str]:
        return {"refs/heads/main": ONE, "refs/heads/a b": TWO}

    assert await spool.pending(refs) == ()
    assert intent.exists()
    spool._clock.advance(timedelta(minutes=11).total_seconds())
    assert await spool.pending(refs) == (WHOLE,)


async def test_a_push_that_its_hook_recorded_is_not_recorded_again(spool, ended):
    (spool.root / "push_1.push").write_text(TEXT.format(pid=ended))
    (spool.root / "push_1.intent").write_text(TEXT.format(pid=ended))
    assert await spool.pending(nothing) == (WHOLE,)
    spool.done("push_1")
    assert await spool.pending(nothing) == ()


async def test_forgetting_a_repository_leaves_the_others(spool):
    (spool.root / "push_1.push").write_text(TEXT.format(pid=1))
    (spool.root / "push_2.push").write_text(TEXT.format(pid=1).replace("shop", "other"))
    spool.forget("shop")
    assert [push.name for push in await spool.pending(nothing)] == ["other"]
