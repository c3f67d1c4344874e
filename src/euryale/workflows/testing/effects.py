"""A stand-in for the world that steps change: it remembers what was done and undone, in order."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a step or a compensation did.

    Attributes:
        kind: ``do`` or ``undo``.
        name: What was done, such as ``database``.
    """

    kind: Literal["do", "undo"]
    name: str


class Effects:
    """Remembers effects; nothing is done any more once the process counts as dead.

    Args:
        alive: Whether it lives; when it does not, whoever wants to do something waits for ever instead, as code of a
            dead process does. Default: it always lives.

    Example:
        >>> effects = Effects()
        >>> asyncio.run(effects.do("database"))
        >>> [effect.name for effect in effects]
        ['database']
    """

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self._all: list[Effect] = []
        self.alive = alive

    async def do(self, name: str) -> None:
        """Do something."""
        await self._record(Effect("do", name))

    async def undo(self, name: str) -> None:
        """Undo it."""
        await self._record(Effect("undo", name))

    async def _record(self, effect: Effect) -> None:
        if not self.alive():
            await asyncio.Event().wait()
        self._all.append(effect)

    def __iter__(self) -> Iterator[Effect]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def done(self) -> tuple[str, ...]:
        """Return what was done, in order, with repetitions."""
        return tuple(effect.name for effect in self._all if effect.kind == "do")

    def undone(self) -> tuple[str, ...]:
        """Return what was undone, in order, with repetitions."""
        return tuple(effect.name for effect in self._all if effect.kind == "undo")

    def standing(self) -> frozenset[str]:
        """Return what was done and not undone since."""
        last = {effect.name: effect.kind for effect in self._all}
        return frozenset(name for name, kind in last.items() if kind == "do")
