"""Workflows that do not die: steps with retries and compensation, run by a durable engine.

Usable alone, as a library::

    from euryale.workflows import Engine, Retry, step, workflow
    from euryale.workflows.stores.sqlite import SQLiteStore
"""

from euryale.kit.secret import Secret
from euryale.workflows.backend import Backend, BackendHandle, BackendView
from euryale.workflows.codec import JsonCodec
from euryale.workflows.definition.composer import detach, emit, sleep, transform, wait_for, when
from euryale.workflows.definition.fanout import for_each
from euryale.workflows.definition.hook import Hook
from euryale.workflows.definition.nodes import Signal
from euryale.workflows.definition.parallel import parallelize
from euryale.workflows.definition.policy import ONCE, PERSISTENT, Retry
from euryale.workflows.definition.queue import Queue, Rate
from euryale.workflows.definition.schedule import Schedule
from euryale.workflows.definition.step import LATER, Step, StepResponse, inject, step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.engine import Engine
from euryale.workflows.errors import (
    CompositionError,
    DefinitionError,
    EngineClosedError,
    ExecutionCancelled,
    ExecutionError,
    ExecutionFailed,
    ExecutionReverted,
    ExecutionTimedOut,
    IdempotencyError,
    InputError,
    OverlapError,
    PayloadError,
    PermanentFailure,
    QueueRejectedError,
    StoreError,
    StoreLockedError,
    TransactionError,
    UnknownExecutionError,
    UnknownScheduleError,
    UnknownSignalError,
    UnknownWorkflowError,
    UnusableStoreError,
    UnwritableError,
    WorkflowError,
)
from euryale.workflows.handle import ExecutionView, Handle, StepView
from euryale.workflows.ports import Resolver, Store
from euryale.workflows.record.origin import Origin
from euryale.workflows.record.states import Reason, Slot, Status, StepState, UndoState
from euryale.workflows.requests import ExecutionQuery
from euryale.workflows.runtime.context import StepContext, step_context
from euryale.workflows.runtime.failure import Failure
from euryale.workflows.runtime.feed import ExecutionEvent
from euryale.workflows.runtime.relay import ReleasedEvent
from euryale.workflows.runtime.scheduler import ScheduleView

__all__ = [
    "LATER",
    "ONCE",
    "PERSISTENT",
    "Backend",
    "BackendHandle",
    "BackendView",
    "CompositionError",
    "DefinitionError",
    "Engine",
    "EngineClosedError",
    "ExecutionCancelled",
    "ExecutionError",
    "ExecutionEvent",
    "ExecutionFailed",
    "ExecutionQuery",
    "ExecutionReverted",
    "ExecutionTimedOut",
    "ExecutionView",
    "Failure",
    "Handle",
    "Hook",
    "IdempotencyError",
    "InputError",
    "JsonCodec",
    "Origin",
    "OverlapError",
    "PayloadError",
    "PermanentFailure",
    "Queue",
    "QueueRejectedError",
    "Rate",
    "Reason",
    "ReleasedEvent",
    "Resolver",
    "Retry",
    "Schedule",
    "ScheduleView",
    "Secret",
    "Signal",
    "Slot",
    "Status",
    "Step",
    "StepContext",
    "StepResponse",
    "StepState",
    "StepView",
    "Store",
    "StoreError",
    "StoreLockedError",
    "TransactionError",
    "UndoState",
    "UnknownExecutionError",
    "UnknownScheduleError",
    "UnknownSignalError",
    "UnknownWorkflowError",
    "UnusableStoreError",
    "UnwritableError",
    "Workflow",
    "WorkflowError",
    "detach",
    "emit",
    "for_each",
    "inject",
    "parallelize",
    "sleep",
    "step",
    "step_context",
    "transform",
    "wait_for",
    "when",
    "workflow",
]
