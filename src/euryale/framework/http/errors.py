"""What a request can be refused for by the HTTP room itself."""

from euryale.framework.errors import FrameworkError
from euryale.kit.errors import InvalidInputError


class CursorError(InvalidInputError):
    """The cursor is not one that this server gave. Begin again without a cursor."""

    code = "http.cursor"


class AddressError(FrameworkError):
    """Nothing can listen at the address. Choose another one, or stop who has its port."""

    code = "http.address"


class RouteError(FrameworkError):
    """A route is declared in a way that cannot work. The message says which and what to change."""

    code = "http.route"
