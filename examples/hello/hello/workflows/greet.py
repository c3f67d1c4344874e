"""greet: a greeting is stored, answered and announced; or, if nobody knows an answer, as if it had never been."""

from dataclasses import dataclass, replace
from typing import Final

from euryale.framework.events import EventType
from euryale.workflows import PermanentFailure, emit, inject, step, step_context, workflow
from hello.modules.greetings import Greeting, Greetings

_ANSWERS: Final = {
    "bonjour": "Enchantée, {name}",
    "ciao": "Ciao, {name}",
    "hello": "Nice to meet you, {name}",
    "hola": "Mucho gusto, {name}",
    "moin": "Moin moin, {name}",
}


@dataclass(frozen=True, slots=True)
class NewGreeting:
    """What is said, and by whom."""

    name: str
    text: str


GREETING_ANSWERED: Final = EventType("greeting.answered", Greeting)


@step
async def store_greeting(new: NewGreeting, *, greetings: Greetings = inject()) -> Greeting:
    """Store it under the execution's id: once, however often the step is tried."""
    return await greetings.store(step_context().execution, new.name, new.text)


@store_greeting.compensate
async def forget_greeting(_: Greeting | None, *, greetings: Greetings = inject()) -> None:
    """Take it back, whether the step ended or was cut short."""
    await greetings.forget(step_context().execution)


@step
async def answer_greeting(greeting: Greeting, *, greetings: Greetings = inject()) -> Greeting:
    """Answer in the greeting's own language; without an answer all is undone."""
    answer = answer_to(greeting.text, greeting.name)
    if answer is None:
        raise PermanentFailure(f"nobody here knows how to answer {greeting.text!r}")
    await greetings.answer(greeting.id, answer)
    return replace(greeting, answer=answer)


@workflow("greet")
def greet(new: NewGreeting) -> Greeting:
    """Store a greeting, answer it, tell of it."""
    answered = answer_greeting(store_greeting(new))
    emit(GREETING_ANSWERED.name, answered)
    return answered


def answer_to(text: str, name: str) -> str | None:
    """Return the answer to a greeting, or None if there is none."""
    known = _ANSWERS.get(text.strip(" ,.!").lower())
    return known and known.format(name=name)
