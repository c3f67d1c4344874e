"""What a secret value may look like in a text, so that it is found there. Pure."""

import json
from urllib.parse import quote, unquote, urlsplit


def looks(value: str) -> set[str]:
    """Return how a value may appear: as it is, line by line, in JSON, in a URL; and of a URL its password alone."""
    found: set[str] = set()
    for text in (value, *_passwords(value)):
        found.update((text, json.dumps(text)[1:-1], quote(text, safe="")))
        found.update(line.strip() for line in text.splitlines())
    return found


def _passwords(value: str) -> tuple[str, ...]:
    try:
        password = urlsplit(value).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()
