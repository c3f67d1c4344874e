"""Hooks: places in a workflow at which an application adds steps of its own."""

from typing import Any, ClassVar, Generic, TypeVar, cast

from euryale.workflows.definition.checks import check_name, check_type
from euryale.workflows.definition.composer import check_fits, current_composition
from euryale.workflows.definition.nodes import HookNode, StepNode
from euryale.workflows.definition.place import Located
from euryale.workflows.definition.placeholder import Tool, expression_of
from euryale.workflows.definition.step import Step
from euryale.workflows.errors import DefinitionError

T = TypeVar("T")


class Hook(Tool, Generic[T]):
    """A place in a workflow at which any number of handlers is called, in the order in which they were attached.

    A handler is a step, with retries and a compensation of its own. Which handlers there are is no part of the plan:
    executions that are under way go on when one is added. One that had begun must stay attached under its name until
    those executions have ended.

    Args:
        name: Its name.
        type: What handlers are given.

    Example:
        >>> order_placed = Hook("order-placed", Order)  # the workflow calls: order_placed(order)
        >>> order_placed.attach(tell_the_warehouse)
    """

    instead: ClassVar[str] = "Call it with what its handlers are given."

    def __init__(self, name: str, type: type[T]) -> None:  # noqa: A002 -- its name
        with Located():
            check_name(name, "A hook's name")
        self.name = name
        self.type = type
        self._handlers: dict[str, Step[[T], Any, Any]] = {}

    def __repr__(self) -> str:
        return f"<hook {self.name}>"

    def attach(self, handler: Step[[T], Any, Any]) -> None:
        """Have a step called there.

        Raises:
            DefinitionError: If it is no step, another one of that name is attached, or it takes not one parameter.
        """
        with Located():
            check_type(handler, Step, f"Hook({self.name!r}).attach: handler", "a step", "Put @step above it.")
            if self._handlers.get(handler.name, handler) is not handler:
                raise DefinitionError(
                    f"Hook {self.name!r} has a handler {handler.name!r}.", hint='Attach it as handler.named("another").'
                )
            if len(handler.signature.required) > 1 or not handler.signature.parameters:
                raise DefinitionError(
                    f"{handler!r} cannot handle {self.name!r}.", hint="A handler takes one parameter."
                )
        self._handlers[handler.name] = handler

    def detach(self, handler: Step[[T], Any, Any]) -> None:
        """Have it called no more; nothing happens if it was not."""
        if self._handlers.get(handler.name) is handler:
            del self._handlers[handler.name]

    @property
    def handlers(self) -> tuple[Step[[T], Any, Any], ...]:
        """The steps that are called, in order."""
        return tuple(self._handlers.values())

    def __call__(self, data: T) -> dict[str, Any]:
        """Place it in the workflow that is being composed.

        Returns:
            What each handler returned, by its name.

        Raises:
            CompositionError: If called outside of a composer, or with something of another type.
        """
        composition = current_composition(f"hook {self.name!r} called")
        check_fits(f"hook {self.name!r} takes {{}}", data, self.type)
        node_id = composition.claim_id(f"hook:{self.name}")
        return cast("dict[str, Any]", composition.place(HookNode(node_id, self, expression_of(data))))


def handler_node(node: HookNode, handler: Step[..., Any, Any]) -> StepNode:
    """Return the node of one handler."""
    return StepNode(f"{node.id}[{handler.name}]", handler, ((handler.signature.parameters[0], node.data),))
