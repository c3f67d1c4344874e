"""Queues: who waits for whom, and how many go on at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from euryale.workflows.definition.checks import (
    check_count,
    check_function,
    check_type,
    in_seconds,
    is_duration,
    is_whole,
    refusal,
)
from euryale.workflows.errors import DefinitionError, PayloadError

Policy = Literal["queue", "replace", "cancel", "reject"]
"""What happens when an execution is started while others have its key; see :class:`Queue`."""

_LONGEST = 200
_A_KEY = "Give it a key, such as key=lambda request: request.environment_id."


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many starts in any window of time.

    Attributes:
        limit: How many executions begin at the most.
        per: The length of the window in seconds, or as a timedelta; default: one second.

    Raises:
        DefinitionError: If a number is out of range.

    Example:
        >>> Rate(10, per=60).seconds
        60.0
    """

    limit: int
    per: float | timedelta = 1.0

    def __post_init__(self) -> None:
        if not is_whole(self.limit):
            raise refusal("Rate: limit", self.limit, "a whole number of at least 1")
        if not is_duration(self.per):
            raise refusal("Rate: per", self.per, "seconds, or a timedelta", "A minute is 60.")
        if self.limit < 1 or not 0 < self.seconds < float("inf"):
            raise DefinitionError(f"Rate({self.limit}, per={self.per}): at least 1 start in some seconds.")

    @property
    def seconds(self) -> float:
        """The length of the window in seconds."""
        return float(in_seconds(self.per))


@dataclass(frozen=True, slots=True)
class Queue:
    """Where executions wait for their turn: those of the highest priority first, then the oldest.

    An execution has its *slot* from the moment at which it begins until it has ended: also while it sleeps, waits for
    an answer, is compensated, or its worker has died. A child that is awaited runs in its parent's slot.

    Attributes:
        name: Its name, unique in an application.
        concurrency: How many of its executions have a slot at a time, over all workers; None: any number.
        worker_concurrency: How many of its executions one worker drives at a time; None: as many as it has room for.
        key: Gives the key of an execution from its input, or None if it has none.
        key_concurrency: How many executions of one key have a slot at a time.
        policy: What happens when one is started while others have its key. ``queue`` (default): it waits behind them.
            ``replace``: those that have not begun are cancelled, so that at most one waits. ``cancel``: those that have
            begun are cancelled, too; it begins when they are undone. ``reject``: it is not started, and
            ``QueueRejectedError`` is raised, if as many as may have a slot of that key have not ended.
        rate: How many may begin in any window of time; None: any number.

    Raises:
        DefinitionError: If the settings make no sense.

    Example:
        >>> deploys = Queue("deploys", concurrency=4, key=lambda request: request.environment_id, policy="replace")
    """

    name: str
    concurrency: int | None = None
    worker_concurrency: int | None = None
    key: Callable[[Any], str | None] | None = None
    key_concurrency: int = 1
    policy: Policy = "queue"
    rate: Rate | None = None

    def __post_init__(self) -> None:
        what = f"Queue({self.name!r})"
        check_type(self.name, str, f"{what}: name", "a text")
        if not self.name or len(self.name) > _LONGEST or not self.name.isprintable():
            raise DefinitionError(f"A queue has a printable name of at most {_LONGEST} characters: {self.name!r}.")
        for each in ("concurrency", "worker_concurrency", "key_concurrency"):
            value = getattr(self, each)
            if value is not None:
                check_count(value, f"{what}: {each}", least=1, hint="With less, nothing would ever begin.")
        if self.rate is not None:
            check_type(self.rate, Rate, f"{what}: rate", "a rate", "Write rate=Rate(10, per=60): ten a minute.")
        if self.policy not in get_args(Policy):
            known = ", ".join(get_args(Policy))
            raise DefinitionError(f"Queue({self.name!r}) has no policy {self.policy!r}.", hint=f"There are {known}.")
        self._check_key()

    def _check_key(self) -> None:
        if self.key is not None:
            check_function(self.key, f"Queue({self.name!r}): key", "a function of the input", _A_KEY)
        if self.key is None and (self.policy != "queue" or self.key_concurrency != 1):
            raise DefinitionError(
                f"Queue({self.name!r}): policy and key_concurrency say what holds among executions of one key.",
                hint=_A_KEY,
            )
        if self.policy == "cancel" and self.key_concurrency != 1:
            raise DefinitionError(
                f"Queue({self.name!r}, policy='cancel') cancels whoever has the key, so only one has it.",
                hint="Leave key_concurrency out.",
            )

    def key_of(self, value: Any) -> str:
        """Return the key of an execution with that input; an empty string if it has none.

        Raises:
            PayloadError: If ``key`` gives something that cannot be one.
        """
        key = None if self.key is None else self.key(value)
        if key is None:
            return ""
        return check_key(key, f"The key that queue {self.name!r} takes from the input")


def check_key(key: object, what: str) -> str:
    """Return ``key`` if it can be one.

    Raises:
        PayloadError: If it cannot.
    """
    if not isinstance(key, str) or not key or len(key) > _LONGEST or not key.isprintable():
        raise PayloadError(f"{what} is a printable text of 1 to {_LONGEST} characters, not {key!r}.")
    return key
