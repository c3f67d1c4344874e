"""A value whose printing is ``[redacted]``."""

import hmac
from typing import Final

REDACTED: Final = "[redacted]"


class Secret:
    """A string that must not appear in logs, journals, errors or tracebacks.

    Printing, formatting and debugging show ``[redacted]``. Only :meth:`reveal` gives the value.

    Example:
        >>> password = Secret("hunter2")
        >>> f"password is {password}"
        'password is [redacted]'
        >>> password.reveal()
        'hunter2'
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self.__value

    def __repr__(self) -> str:
        return REDACTED

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.__value)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled: that would write its value in the clear")
