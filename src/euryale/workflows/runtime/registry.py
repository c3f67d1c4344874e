"""The plans that a process knows, by name, version and fingerprint."""

from collections.abc import Iterable
from typing import Any

from euryale.workflows.definition.likeness import difference
from euryale.workflows.definition.parts import annotated_types, called_workflows
from euryale.workflows.definition.plan import Plan
from euryale.workflows.definition.queue import Queue
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.errors import DefinitionError, PayloadError, UnknownWorkflowError
from euryale.workflows.ports import Codec
from euryale.workflows.runtime.queues import Queues


class Registry:
    """Several versions of a workflow may be known; new executions begin with the highest.

    Attributes:
        queues: The queues that are known: those of the workflows, and others.
    """

    def __init__(
        self, codec: Codec, workflows: Iterable[Workflow[Any, Any]] = (), queues: Iterable[Queue] = ()
    ) -> None:
        self._codec = codec
        self.queues = Queues(queues)
        self._by_hash: dict[tuple[str, str], Workflow[Any, Any]] = {}
        self._hashes: frozenset[str] | None = None
        self._by_name: dict[str, dict[int, Workflow[Any, Any]]] = {}
        for each in workflows:
            self.add(each)

    def add(self, workflow: Workflow[Any, Any]) -> None:
        """Make a workflow known, with those that it calls and their queues.

        Raises:
            DefinitionError: If it is no workflow, another plan or the same one over other functions has the same name
                and version, another queue the same name, or something in it is annotated with a type whose values
                cannot travel.
        """
        if not isinstance(workflow, Workflow):
            raise DefinitionError(f"{workflow!r} is no workflow.", hint="Pass what @workflow(...) made of a function.")
        plan = workflow.plan
        if self._by_hash.get((plan.name, plan.hash)) is workflow:
            return
        self._check_types(plan)
        known = self._by_name.get(plan.name, {}).get(plan.version)
        if known is not None:
            _check_same(known, workflow)
        for called in called_workflows(plan):
            self.add(called)
        if workflow.queue is not None:
            self.queues.add(workflow.queue)
        self._by_name.setdefault(plan.name, {})[plan.version] = workflow
        self._by_hash[plan.name, plan.hash] = workflow
        self._hashes = None

    def _check_types(self, plan: Plan) -> None:
        try:
            for what, wanted in annotated_types(plan):
                self._codec.check(wanted, what)
        except PayloadError as error:
            raise DefinitionError(f"Workflow {plan.name!r}: {error.message}", hint=error.hint) from error

    def find(self, name: str, plan_hash: str) -> Plan | None:
        """Return the plan with that fingerprint, or None."""
        workflow = self._by_hash.get((name, plan_hash))
        return workflow.plan if workflow else None

    def hashes(self) -> frozenset[str]:
        """Return the fingerprints of all plans."""
        if self._hashes is None:
            self._hashes = frozenset(plan_hash for _, plan_hash in self._by_hash)
        return self._hashes

    def current(self, name: str) -> Workflow[Any, Any]:
        """Return the highest version of a workflow.

        Raises:
            UnknownWorkflowError: If there is none.
        """
        versions = self._by_name.get(name)
        if not versions:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise UnknownWorkflowError(f"No workflow is called {name!r}.", hint=f"Registered: {known}.")
        return versions[max(versions)]

    def all(self) -> tuple[Workflow[Any, Any], ...]:
        """Return the highest version of each workflow, by name."""
        return tuple(self.current(name) for name in sorted(self._by_name))


def _check_same(known: Workflow[Any, Any], other: Workflow[Any, Any]) -> None:
    plan, where = known.plan, " and ".join(dict.fromkeys(each.place for each in (known, other) if each.place))
    what = "different plans"
    if plan.hash == other.plan.hash:
        if not (place := difference(plan, other.plan)):
            return
        what = f"workflows with different functions {place}"
    raise DefinitionError(
        f"Two {what} are called {plan.name!r} version {plan.version}{where and f': {where}'}.",
        hint="Give one of them another name, or count its version up.",
    )
