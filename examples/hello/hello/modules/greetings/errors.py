"""What this module refuses."""

from euryale.kit.errors import NotFoundError


class UnknownGreetingError(NotFoundError):
    """There is no such greeting. List those there are: ``GET /greetings``."""

    code = "hello.unknown_greeting"
