"""The codec: JSON by msgspec, with pydantic models, secrets and paths on top."""

import json
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

import msgspec
import msgspec.inspect
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from euryale.kit.secret import REDACTED, Secret
from euryale.workflows.definition.annotations import name_of
from euryale.workflows.definition.checks import check_count
from euryale.workflows.errors import DefinitionError, PayloadError

SECRET_FIELD: Final = "$secret"  # noqa: S105 -- the name of a field
"""The one field of what stands for a secret in a payload: the secret, encrypted."""

_SHORTEST_SCRUBBED: Final = 6
_REMEMBERED_SECRETS: Final = 4096
_MASKED: Final = "**********"
_SELF_EVIDENT: Final = frozenset({str, bool, int, bytes, type(None)})
"""Types whose values, when they are exactly of that type, are read back as what they are."""
_GIVE_KEY: Final = "Give it one, the same in each process: Engine(codec=JsonCodec(keys=(Secret(...),)))."
_GIVE_OLD_KEY: Final = "Give the old one, too, behind the new one: JsonCodec(keys=(new, old))."


class _KeyError(ValueError):
    """There is a secret, and no key for it."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


class JsonCodec:
    """Encodes values as JSON text, which a person can read in the database.

    Dataclasses, msgspec structs, pydantic models, datetimes, Decimal, UUID, enums, bytes, paths and
    :class:`Secret` travel. Secrets are encrypted.

    Args:
        keys: Fernet keys for secrets: the first encrypts, all decrypt, so a key is rotated by putting a new one first.
            Without a key a value that holds a secret is refused.
        limit: The largest encoded value, in bytes; default: 4 MiB.

    Raises:
        PayloadError: If a key is not a Fernet key.
        DefinitionError: If a key is no ``Secret``, or the limit is no number of bytes.
    """

    def __init__(self, keys: tuple[Secret, ...] = (), *, limit: int = 4 * 1024 * 1024) -> None:
        _check_keys(keys)
        check_count(limit, "JsonCodec: limit", least=1)
        try:
            self._cipher = MultiFernet([Fernet(key.reveal()) for key in keys]) if keys else None
        except ValueError as error:
            raise PayloadError(
                "A key for secrets is 32 bytes in URL-safe base64.", hint="Make one: JsonCodec.new_key()."
            ) from error
        self._limit = limit
        self._encoder = msgspec.json.Encoder(enc_hook=self._encode_foreign)
        self._decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
        self._fitting: set[Any] = set()
        self._secrets: OrderedDict[str, None] = OrderedDict()

    @staticmethod
    def new_key() -> Secret:
        """Return a fresh key for secrets."""
        return Secret(Fernet.generate_key().decode())

    def check(self, wanted: Any, what: str) -> None:
        """Refuse an annotated type whose values cannot travel, before there are any.

        Raises:
            PayloadError: If they cannot.
        """
        try:
            self._decoder(wanted)
            if wanted in self._fitting:  # a plan has few types, in many places
                return
            foreign = [each for each in _custom_types(msgspec.inspect.type_info(wanted)) if not _travels(each)]
        except (TypeError, ValueError, RecursionError, NameError) as error:
            raise PayloadError(f"{what} cannot be {name_of(wanted)}: {error}") from error
        if foreign:
            raise PayloadError(
                f"{what} cannot be {name_of(wanted)}: {', '.join(map(name_of, foreign))} is not a type that travels.",
                hint="Use a dataclass, a pydantic model or plain values.",
            )
        self._fitting.add(wanted)

    def encode(self, value: Any, what: str, wanted: Any = Any) -> bytes:
        """Encode; ``what`` names the value in errors.

        Args:
            value: What to encode.
            what: Its name in errors.
            wanted: The annotated type under which it will be read back: that it can be is made sure of now.

        Raises:
            PayloadError: If the value is of a type that cannot travel or not of the annotated one, or larger than the
                limit.
        """
        data = self._write(value, what)
        if wanted is not Any and (type(value) is not wanted or type(value) not in _SELF_EVIDENT):
            self._read_back(data, wanted, what)
        return data

    def keep(self, value: Any, what: str, wanted: Any) -> tuple[bytes, Any]:
        """Encode as :meth:`encode` does, and return besides what will be read back.

        Who goes on with that sees the same value as whoever reads it after a restart.
        """
        data, kind = self._write(value, what), type(value)
        if kind in _SELF_EVIDENT and (kind is wanted or (wanted is Any and kind is not bytes)):
            return data, value
        return data, self._read_back(data, wanted, what)

    def _write(self, value: Any, what: str) -> bytes:
        try:
            data = self._encoder.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            hint = _key_hint(error) or "Use a dataclass, a pydantic model or plain values."
            raise PayloadError(f"{what} cannot be written to the journal: {error}", hint=hint) from error
        if len(data) > self._limit:
            raise PayloadError(
                f"{what} is {len(data)} bytes long; {self._limit} are allowed.",
                hint="Keep it elsewhere and pass a reference to it.",
            )
        return data

    def _read_back(self, data: bytes, wanted: Any, what: str) -> Any:
        """Refuse at once what a later process could not read."""
        try:
            return self.decode(data, wanted, what)
        except PayloadError as error:
            raise PayloadError(
                f"{what} would not be readable as {name_of(wanted)}: {_told(error.__cause__)}",
                hint="The value and its annotation must agree: correct the one or the other.",
            ) from error

    def decode(self, data: bytes, wanted: Any, what: str) -> Any:
        """Decode into the annotated type ``wanted``.

        Raises:
            PayloadError: If the data does not fit, or a secret in it was encrypted with an unknown key.
        """
        try:
            return self._decoder(wanted).decode(data)
        except Exception as error:
            text = f"{what} cannot be read from the journal as {name_of(wanted)}: {_told(error)}"
            raise PayloadError(text, hint=_key_hint(error)) from error

    def _decoder(self, wanted: Any) -> "msgspec.json.Decoder[Any]":
        decoder = self._decoders.get(wanted)
        if decoder is None:
            decoder = self._decoders[wanted] = msgspec.json.Decoder(wanted, dec_hook=self._decode_foreign)
        return decoder

    def scrub(self, text: str) -> str:
        """Return ``text`` without the secret values that have passed through."""
        found = [value for value in self._secrets if value in text]
        for value in sorted(found, key=len, reverse=True):  # one may be a part of another
            text = text.replace(value, REDACTED)
        return text

    def _remember(self, value: str) -> None:
        if len(value) >= _SHORTEST_SCRUBBED:
            self._secrets[value] = None
            self._secrets.move_to_end(value)
            if len(self._secrets) > _REMEMBERED_SECRETS:
                self._secrets.popitem(last=False)

    def _encode_foreign(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return {SECRET_FIELD: self._encrypt(value)}
        if isinstance(value, PurePath):
            return str(value)
        if hasattr(type(value), "__pydantic_serializer__"):
            return self._dump_model(value)
        raise TypeError(f"{type(value).__qualname__} is not a type that travels")

    @staticmethod
    def _dump_model(value: Any) -> Any:
        try:
            text = value.model_dump_json()
        except ValueError as error:  # pydantic's own for a field of a foreign type
            raise ValueError(f"{error}; a Secret belongs into a dataclass, not into a pydantic model") from error
        if _MASKED in text and type(value).model_validate_json(text) != value:
            raise ValueError("it holds a value of pydantic's that is masked when it is written: use kit.secret.Secret")
        return json.loads(text)

    def _encrypt(self, value: Secret) -> str:
        if self._cipher is None:
            raise _KeyError("it holds a secret, and the engine has no key", _GIVE_KEY)
        self._remember(value.reveal())
        return self._cipher.encrypt(value.reveal().encode()).decode()

    def _decode_foreign(self, wanted: Any, value: Any) -> Any:
        if wanted is object:
            return value
        if wanted is Secret:
            return self._decrypt(value)
        if isinstance(wanted, type) and issubclass(wanted, PurePath):
            return wanted(value)
        if hasattr(wanted, "__pydantic_validator__"):
            return wanted.model_validate(value)
        raise TypeError(f"{wanted} is not a type that travels")

    def _decrypt(self, value: Any) -> Secret:
        encrypted = value.get(SECRET_FIELD) if isinstance(value, dict) else None
        if not isinstance(encrypted, str):
            raise TypeError("what was written is no secret")
        if self._cipher is None:
            raise _KeyError("a secret, and the engine has no key for it", _GIVE_KEY)
        try:
            plain = self._cipher.decrypt(encrypted.encode()).decode()
        except InvalidToken as error:
            raise _KeyError(
                "a secret that was encrypted with a key that is not known any more", _GIVE_OLD_KEY
            ) from error
        self._remember(plain)
        return Secret(plain)


def _told(error: BaseException | None) -> str:
    """Return why something was not read: the text of an error that is meant to say so, any other with its kind."""
    return str(error) if isinstance(error, (TypeError, ValueError, RecursionError)) else repr(error)


def _check_keys(keys: Any) -> None:
    """Refuse keys that are no secrets, without telling them."""
    if not isinstance(keys, (tuple, list)) or not all(isinstance(each, Secret) for each in keys):
        raise DefinitionError(
            "JsonCodec: keys is not a tuple of secrets.",
            hint="Write keys=(Secret(key),), so that no log shows it.",
        )


def _key_hint(error: BaseException) -> str:
    """Return how to give the key that is missing; an empty string if it is another error."""
    cause = error if isinstance(error, _KeyError) else error.__cause__
    return cause.hint if isinstance(cause, _KeyError) else ""


def _custom_types(root: Any) -> Iterator[Any]:
    """Yield the types that JSON by msgspec leaves to us, wherever they stand in a type."""
    ahead, seen = [root], set[int]()
    while ahead:
        info = ahead.pop()
        if isinstance(info, msgspec.inspect.CustomType):
            yield info.cls
        elif isinstance(info, tuple):
            ahead.extend(info)
        elif isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)) and id(info) not in seen:
            seen.add(id(info))
            ahead.extend(getattr(info, name) for name in info.__struct_fields__)


def _travels(wanted: Any) -> bool:
    if wanted is object or wanted is Secret or hasattr(wanted, "__pydantic_validator__"):
        return True
    return isinstance(wanted, type) and issubclass(wanted, PurePath)
