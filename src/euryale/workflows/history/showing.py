"""Values as they may be seen: plain, without secrets."""

from pathlib import PurePath
from typing import Any

import msgspec

from euryale.kit.secret import REDACTED, Secret
from euryale.workflows.codec import SECRET_FIELD
from euryale.workflows.ports import Codec


def shown(value: Any, codec: Codec) -> Any:
    """Return a value as JSON values, secrets redacted, texts without the secrets that have passed through."""
    try:
        plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_foreign)
    except Exception:  # noqa: BLE001 -- a history is shown whatever a value of the user's is like
        plain = repr(value)
    return _scrubbed(plain, codec)


def _foreign(value: Any) -> Any:
    if isinstance(value, Secret):
        return REDACTED
    if isinstance(value, PurePath):
        return str(value)
    fields = getattr(type(value), "model_fields", None)  # a pydantic model, without needing pydantic
    return repr(value) if fields is None else {name: getattr(value, name) for name in fields}


def _scrubbed(plain: Any, codec: Codec) -> Any:
    match plain:
        case str():
            return codec.scrub(plain)
        case list():
            return [_scrubbed(each, codec) for each in plain]
        case dict() if plain.keys() == {SECRET_FIELD}:  # read without the annotation that says what it is
            return REDACTED
        case dict():
            return {codec.scrub(str(key)): _scrubbed(each, codec) for key, each in plain.items()}
        case _:
            return plain
