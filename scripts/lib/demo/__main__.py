"""The whole demo: prepare, show, print the table; and whatever happens, leave behind only what was asked for."""

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

from demo import by_hand, show
from demo.arguments import Asked, read_arguments
from demo.by_hand import Bench, set_up_bench
from demo.failures import DemoError, StoppedError
from demo.place import clear, data_of, find_place, make_place
from demo.platform_process import EURYALE, Addresses, Platform
from demo.processes import tail
from demo.repository import Repository
from demo.stories import STORIES, Story
from demo.terminal import Stopwatch, fact, heading, problem, say, seconds, table

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED = 130


def main() -> int:
    """Run the demo; return the exit code."""
    asked = read_arguments(sys.argv[1:])
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        demonstrate(asked)
    except DemoError as error:
        _report(error)
        return 1
    except StoppedError:
        problem("Stopped; nothing is left running.")
        return _STOPPED
    return 0


def demonstrate(asked: Asked) -> None:
    """Show everything on a platform of its own, which goes on running if that was asked for.

    Raises:
        DemoError: If something is not as it should be.
    """
    story, watch = STORIES[asked.app](), Stopwatch()
    with tempfile.TemporaryDirectory(prefix="euryale-demo-", ignore_cleanup_errors=True) as scratch:
        repository = Repository.of_example(story.name, Path(scratch) / story.name)
        with _platform(asked, watch) as platform, _bench(asked, platform) as bench:
            if bench is not None:
                _rehearse(story, bench)
            url = show.create_project(platform, story, repository, watch)
            if bench is not None:
                _compare(story, bench, watch)
            entry = show.use_production(story, url, watch)
            preview = show.push_branch(platform, story, repository, watch)
            show.compare_environments(story, entry, url, preview)
            show.delete_branch(platform, story, repository, preview, watch)
            show.examine(platform, story, url, entry)
            _conclude(platform, asked, url, watch)


@contextmanager
def _platform(asked: Asked, watch: Stopwatch) -> Iterator[Platform]:
    """Give a platform over an empty directory; it is ended unless the demo succeeds and is to leave it running."""
    heading("The platform")
    place = find_place(asked.place)
    platform = Platform(data_of(place), Addresses.free())
    leave_running = False
    try:
        if place.exists():
            platform.down()
            clear(place)
            platform = Platform(platform.data, Addresses.free())
        make_place(place)
        with watch.lap("the platform starts"):
            platform.start()
        fact(f"euryale up: {platform.url}, data in {platform.data}")
        yield platform
        leave_running = not asked.ci
    finally:
        if not leave_running:
            with _undisturbed():
                platform.down()
    if asked.ci and not asked.keep:
        clear(place)


def _bench(asked: Asked, platform: Platform) -> AbstractContextManager[Bench | None]:
    return set_up_bench(platform.data) if asked.compare else nullcontext()


def _rehearse(story: Story, bench: Bench) -> None:
    heading("A rehearsal: whoever is measured first should not be the first to ask the registry")
    by_hand.rehearse(story, bench)
    os.sync()  # nobody's clock runs while the disk still writes what another has left
    fact("installed once, untimed, with caches of its own")


def _compare(story: Story, bench: Bench, watch: Stopwatch) -> None:
    heading("The same by hand")
    os.sync()
    by_hand.measure(story, bench, watch)
    fact(f"install, build, migrate, start: {seconds(watch.took(by_hand.BY_HAND))}")


def _conclude(platform: Platform, asked: Asked, url: str, watch: Stopwatch) -> None:
    heading("What took how long")
    rows = [(what, f"{taken:.1f} s") for what, taken in watch.laps]
    if asked.compare:
        ratio = watch.took(show.CREATE) / watch.took(by_hand.BY_HAND)
        rows.append(("projects create / by hand", f"{ratio:.2f}"))
    say(table(rows))
    if asked.ci:
        return
    say(f"\nThe platform goes on running at {platform.url}, production at {url}")
    say(f"  ask it     EURYALE_URL={platform.url} EURYALE_TOKEN=$(cat {platform.data}/token) {EURYALE} projects list")
    say(f"  stop it    {EURYALE} down --data {platform.data}")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let nobody interrupt the tidying up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # once is enough: the rest is tidying up
    raise StoppedError


def _report(error: DemoError) -> None:
    if isinstance(error.__context__, DemoError):
        _report(error.__context__)  # what happened before, and was tidied up after in vain
    problem(f"\nThe demo failed: {error}")
    if error.log is not None:
        with contextlib.suppress(OSError):
            say(f"\nThe end of {error.log}:\n{tail(error.log)}")


if __name__ == "__main__":
    sys.exit(main())
