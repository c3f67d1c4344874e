"""What an application's tests need: a running application, a database, captured events, assertions.

It needs ``httpx``, which the extra ``testing`` brings.
"""

from euryale.framework.testing.capture import EventCapture
from euryale.framework.testing.client import RunningApp, run_app
from euryale.framework.testing.schema import (
    assert_migrations_match_models,
    assert_modules_independent,
    temporary_database,
)

__all__ = [
    "EventCapture",
    "RunningApp",
    "assert_migrations_match_models",
    "assert_modules_independent",
    "run_app",
    "temporary_database",
]
