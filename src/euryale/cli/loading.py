"""Finding an application's engine, and saying why there is none."""

import importlib
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from euryale.cli.errors import UsageError
from euryale.workflows import Engine, Workflow
from euryale.workflows.definition.step import Step
from euryale.workflows.runtime.frames import user_place

_MUST_BE = "It must be an Engine, or a function without parameters that makes one."


def load_engine(reference: str) -> Engine:
    """Return an application's engine; it is not opened.

    Args:
        reference: ``module:attribute``: an ``Engine``, or a function without parameters that returns one. The module is
            looked for in the working directory, too.

    Raises:
        UsageError: If there is none; it says where in the application's own code something went wrong.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"{reference!r} does not say where an engine is.", hint="Say --app MODULE:ENGINE.")
    sys.path.insert(0, str(Path.cwd()))
    found = _imported(reference, module_name)
    try:
        for name in attribute.split("."):
            found = getattr(found, name)
    except AttributeError as error:
        raise UsageError(f"--app {reference} cannot be found: {error}.") from error
    engine = found if isinstance(found, Engine) else _made(reference, found)
    if not isinstance(engine, Engine):
        raise UsageError(f"--app {reference} is a {type(engine).__qualname__}.", hint=_MUST_BE)
    return engine


def _imported(reference: str, module_name: str) -> Any:
    with _explained(f"--app {reference} cannot be imported"):
        try:
            return importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise
            raise UsageError(
                f"--app {reference} cannot be found: {error}.",
                hint="The module is looked for in the working directory and where Python looks.",
            ) from error


def _made(reference: str, found: Any) -> Any:
    """Return what a function makes; what is none, as it is."""
    if isinstance(found, Workflow | Step):
        what = "workflow" if isinstance(found, Workflow) else "step"
        raise UsageError(f"--app {reference} is the {what} {found.name!r}, no Engine.", hint=_MUST_BE)
    if not callable(found):
        return found
    if inspect.iscoroutinefunction(found):
        raise UsageError(f"--app {reference} is a coroutine function.", hint=_MUST_BE)
    if needed := _needed(found):
        raise UsageError(f"--app {reference} is a function that needs {needed}.", hint=_MUST_BE)
    with _explained(f"--app {reference} makes no engine"):
        return found()


def _needed(function: Callable[..., Any]) -> str:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # something built in
        return ""
    optional = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return ", ".join(
        each.name for each in parameters if each.default is inspect.Parameter.empty and each.kind not in optional
    )


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn whatever the application's own code raises into one error that says where."""
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        hint = "Mend that; with --debug (before the command) the whole traceback is shown."
        if isinstance(error, SystemExit) or "running event loop" in str(error):
            hint = 'What a module runs belongs below `if __name__ == "__main__":`, so that it can be imported.'
            _forget_coroutines(error)
        raise UsageError(f"{what}: {_told(error)}", hint=hint) from error


def _told(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}."
    place = user_place(error)
    return f"{place}: {type(error).__name__}: {error}".removesuffix(".") + "." if place else f"{error!r}."


def _forget_coroutines(error: BaseException) -> None:
    """Let go of a coroutine that was to be run: that it never was is what the error says, and needs no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        traceback.clear_frames(error.__traceback__)
