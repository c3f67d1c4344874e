"""The executor: takes one execution from where it stands to its end."""

import asyncio

from euryale.kit.clock import Timer
from euryale.workflows.errors import IllegalTransitionError, StaleOwnerError, WorkflowError
from euryale.workflows.record.entry import Message, Release, StatusChange
from euryale.workflows.record.states import EntryKind, Reason, Status
from euryale.workflows.runtime.backward import Backward
from euryale.workflows.runtime.children import Children, Outcome
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.forward import Forward, result_failure
from euryale.workflows.runtime.marks import Marks
from euryale.workflows.runtime.run import Draft, Run, Turn


class Executor:
    """Drives one execution; there is one for each that is live in this process.

    Attributes:
        run: The execution.
        done: Its outcome, once it has one; None if it was let go of, as it only waits; an error if it could not be
            driven on.
    """

    def __init__(self, run: Run, children: Children) -> None:
        self.run = run
        self.done: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._children = children
        self._forward = Forward(run, children)
        self._undone = Marks()
        self._backward: Backward | None = None
        self._released: Release | None = None
        self._dropped: WorkflowError | None = None

    @property
    def wakes_at(self) -> float | None:
        """Of one that was let go of: when it goes on by itself, in seconds since the epoch, or None."""
        released = self._released
        if released is None or released.seen == self.run.seen:
            return None if released is None else released.due
        return 0.0  # it was told something while it was let go of

    def settle(self, outcome: Outcome | Exception | None) -> None:
        """Tell who waits what became of it, unless they were told."""
        if self.done.done():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
            self.done.exception()  # one that nobody waits for is no warning: the worker logs it
        else:
            self.done.set_result(outcome)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def outcome(self) -> Outcome | None:
        """Wait for :attr:`done`; whoever is cancelled meanwhile disturbs nobody.

        Raises:
            Exception: Why it could not be driven on.
        """
        if not self.done.done():
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[waiting] = None
            try:
                await waiting
            finally:
                del self._waiting[waiting]
        return self.done.result()

    async def drive(self, turn: Turn | None = None, *, again: bool = False) -> Outcome | None:
        """Go on until the end, or until it only waits: then None is returned, and nobody owns it any more.

        Args:
            turn: Why an execution that had succeeded is undone after all.
            again: Whether compensations that gave up are tried again.

        Raises:
            PayloadError: If the journal cannot be read under the present annotations.
            StoreError: If something could not be written.
        """
        self._check_driven()
        self.run.load()
        if turn is None and self.run.row.status.going_forward:
            turn = await self._go_forward()
            if turn is None:
                self._released = self._forward.released
                return None if self._released is not None else self._outcome()
        else:
            self.run.open_vertices()
        if turn is not None:
            await self._turn(turn)
        elif again:
            await self._reopen()
        return await self._go_back()

    def drop(self, error: WorkflowError) -> None:
        """End what is done at it here, and begin nothing more: it is not this worker's any more."""
        self._dropped = error
        (self._backward or self._forward).end(error)
        self.settle(error)

    def _check_driven(self) -> None:
        if self._dropped is not None:
            raise self._dropped

    def let_go(self) -> None:
        """The worker is draining: let go of the execution now, if it only waits; else it is between two steps soon."""
        (self._backward or self._forward).let_go()

    def take(self, message: Message) -> bool:
        """Hand over a message from outside; return whether it came in time to have an effect."""
        self.run.see(message)
        if message.kind == "undone":
            return self._undone.take(message)
        if message.kind == "cancel" and self.run.row.status is Status.SUCCEEDED:
            return True  # it was kept before the success is written, which is refused because of it
        if not self.run.row.status.going_forward:
            return False
        if message.kind == "cancel":
            why = self.run.tools.codec.decode(message.payload, Failure | None, "a cancellation")
            failure = why or Failure("workflows.execution_cancelled", "It was cancelled.")
            return self._forward.request(Reason.CANCELLED, failure)
        return self._forward.take(message)

    async def _go_forward(self) -> Turn | None:
        timer: Timer | None = None
        if self.run.deadline is not None:
            left = self.run.deadline - self.run.tools.now()
            if left > 0:
                timer = self.run.tools.clock.call_later(left, self._time_out)
            else:
                self._time_out()
        try:
            turn = await self._forward.go()
            return turn if turn is not None or self._forward.released is not None else await self._succeed()
        finally:
            if timer is not None:
                timer.cancel()

    def _time_out(self) -> None:
        limit = self.run.plan.timeout
        message = f"It took longer than the {limit:g} s that its workflow allows." if limit else "It took too long."
        self._forward.request(Reason.TIMEOUT, Failure("workflows.execution_timed_out", message))

    async def _succeed(self) -> Turn | None:
        """Write the last results and the outcome as one commit; return why it turns after all, if it was cancelled."""
        run, plan = self.run, self.run.plan
        if not run.frontier.ended:
            raise IllegalTransitionError(f"{run.row.id} stopped before its end, for no reason.")
        try:
            output = run.tools.codec.encode(run.evaluate(plan.result), f"the result of {plan.name}", plan.output_type)
        except Exception as error:  # noqa: BLE001 -- a transform in the result is the user's
            return result_failure(error, run)
        draft = run.draft()
        run.finish(Status.SUCCEEDED)
        is_root = run.row.id == run.row.root_id
        change = StatusChange(
            Status.SUCCEEDED, output=output, finished_at=run.tools.now(), partial=run.record.has_failures
        )
        try:
            await run.flush(change, events="release" if is_root else "keep", lone=True)
        except StaleOwnerError as refusal:
            return await self._cancelled_before(draft, refusal)
        return None

    async def _cancelled_before(self, draft: Draft, refusal: StaleOwnerError) -> Turn:
        """Return the turn of an execution that was cancelled before its success was written.

        Raises:
            StaleOwnerError: If it was refused because another worker has taken it over.
        """
        messages = await self._children.messages(draft.row)
        self.run.take_back(draft)
        for message in messages:
            self.take(message)
        if self._forward.turn is None:
            raise refusal
        return self._forward.turn

    async def _turn(self, turn: Turn) -> None:
        run = self.run
        error = run.encode_failure(turn.failure)
        run.note(EntryKind.TURNED, turn.failure.step, payload=error)
        await run.flush(StatusChange(Status.COMPENSATING, turn.reason, error=error))

    async def _reopen(self) -> None:
        run = self.run
        run.note(EntryKind.REOPENED)
        await run.flush(StatusChange(Status.COMPENSATING, run.row.reason, error=run.row.error))

    async def _go_back(self) -> Outcome | None:
        self._check_driven()
        run = self.run
        backward = self._backward = Backward(run, self._children, self._undone)
        undone = await backward.go()
        if undone is None:
            self._released = backward.released
            return None
        status = Status.REVERTED if undone else Status.FAILED
        run.finish(status)
        change = StatusChange(status, run.row.reason, error=run.row.error, finished_at=run.tools.now())
        await run.flush(change, events="drop")
        return self._outcome()

    def _outcome(self) -> Outcome:
        return Outcome(self.run.row, self.run.failure())
