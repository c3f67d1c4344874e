"""What travels through the journal, and what does not."""

import enum
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, SecretStr

from euryale.kit.secret import Secret
from euryale.workflows import JsonCodec, PayloadError


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclass(frozen=True)
class Line:
    item: str
    price: Decimal
    tags: tuple[str, ...] = ()


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    at: datetime
    notes: dict[str, int | None] = field(default_factory=dict)


class Parcel(msgspec.Struct):
    weight: float
    colour: Colour


class Customer(BaseModel):
    name: str
    born: date
    order: UUID | None = None


class Login(BaseModel):
    user: str
    password: SecretStr


@dataclass(frozen=True)
class Access:
    user: str
    password: Secret
    more: list[Secret] = field(default_factory=list)
    maybe: Secret | None = None


ID = UUID("12345678-1234-5678-1234-567812345678")
AT = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)

TRAVELLERS = [
    (None, None),
    (True, bool),
    (3, int),
    (2**60, int),
    (2**70, int),
    (1.5, float),
    ("tea ✓", str),
    (b"\x00\xff", bytes),
    (Decimal("1.10"), Decimal),
    (ID, UUID),
    (AT, datetime),
    (date(2026, 1, 2), date),
    (timedelta(seconds=90.5), timedelta),
    (Colour.RED, Colour),
    (Level.HIGH, Level),
    (Path("a/b"), Path),
    (PurePosixPath("/x"), PurePosixPath),
    ([1, 2], list[int]),
    ({1: "a"}, dict[int, str]),
    ((1, "a"), tuple[int, str]),
    ({1, 2}, set[int]),
    (Line("tea", Decimal("2.50"), ("hot",)), Line),
    (Order(ID, [Line("tea", Decimal(1))], AT, {"x": None}), Order),
    (Parcel(1.25, Colour.RED), Parcel),
    (Customer(name="Ann", born=date(1990, 1, 1), order=ID), Customer),
    ([Customer(name="Ann", born=date(1990, 1, 1))], list[Customer]),
    (Line("x", Decimal(1)), Line | None),
    (None, Line | None),
    ({"plain": [1, None, "x"]}, Any),
    ({"plain": [1, None, "x"]}, object),
]


@pytest.mark.parametrize(("value", "wanted"), TRAVELLERS, ids=[str(wanted) for _, wanted in TRAVELLERS])
def test_a_value_comes_back_as_its_annotation_says(value, wanted):
    codec = JsonCodec()
    data = codec.encode(value, "it", wanted)
    back = codec.decode(data, wanted, "it")
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "wanted", "message"),
    [
        (object(), Any, "object is not a type that travels"),
        (lambda: 1, Any, "function is not a type that travels"),
        ("\udcff", str, "cannot be written"),
        ("x", int, "would not be readable as int"),
        (None, Line, "would not be readable as Line"),
        ({"item": 1}, Line, "would not be readable as Line"),
        (math.nan, float, "would not be readable as float"),
        ([1, "x"], list[int], re.escape("would not be readable as list[int]")),
        (Login(user="ann", password=SecretStr("hunter2hunter2")), Login, "is masked when it is written"),
    ],
)
def test_what_cannot_travel_is_refused_when_it_is_written(value, wanted, message):
    with pytest.raises(PayloadError, match=message):
        JsonCodec().encode(value, "the output of step 'x'", wanted)


def test_a_nesting_without_end_is_refused():
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(PayloadError):
        JsonCodec().encode(loop, "it")


def test_a_model_that_merely_contains_asterisks_travels():
    value = Customer(name="**********", born=date(1990, 1, 1))
    codec = JsonCodec()
    assert codec.decode(codec.encode(value, "it", Customer), Customer, "it") == value


def test_a_large_value_is_refused_with_an_advice():
    with pytest.raises(PayloadError, match="is 102 bytes long; 100 are allowed") as caught:
        JsonCodec(limit=100).encode("x" * 100, "it")
    assert "reference" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{", b'"x"'])
def test_what_cannot_be_read_is_told(data):
    with pytest.raises(PayloadError, match="the output of x cannot be read from the journal as int"):
        JsonCodec().decode(data, int, "the output of x")


# --- secrets ---------------------------------------------------------------------------------------------------------

ACCESS = Access("ann", Secret("hunter2hunter2"), [Secret("correct horse")], Secret("battery staple"))


def test_secrets_are_encrypted_and_come_back():
    codec = JsonCodec((JsonCodec.new_key(),))
    data = codec.encode(ACCESS, "it", Access)
    assert not re.search(rb"hunter2|horse|staple", data)
    assert codec.decode(data, Access, "it") == ACCESS
    assert codec.encode(ACCESS, "it", Access) != data


def test_a_secret_without_a_key_is_refused():
    with pytest.raises(PayloadError, match=r"the engine has no key.*JsonCodec\(keys="):
        JsonCodec().encode(ACCESS, "it", Access)
    data = JsonCodec((JsonCodec.new_key(),)).encode(ACCESS, "it", Access)
    with pytest.raises(PayloadError, match=r"the engine has no key.*Give it one.*JsonCodec\(keys="):
        JsonCodec().decode(data, Access, "it")


def test_a_key_is_rotated_by_putting_a_new_one_first():
    old, new = JsonCodec.new_key(), JsonCodec.new_key()
    before = JsonCodec((old,)).encode(ACCESS, "it", Access)
    both = JsonCodec((new, old))
    assert both.decode(before, Access, "it") == ACCESS
    after = both.encode(ACCESS, "it", Access)
    assert JsonCodec((new,)).decode(after, Access, "it") == ACCESS
    with pytest.raises(PayloadError, match=r"a key that is not known any more.* the old one, .*keys=\(new, old\)"):
        JsonCodec((new,)).decode(before, Access, "it")


@pytest.mark.parametrize("codec", [JsonCodec(), JsonCodec((JsonCodec.new_key(),))])
@pytest.mark.parametrize("data", [b'"hunter2"', b'{"other": "hunter2"}', b'{"$secret": 7}', b"[]"])
def test_what_was_no_secret_when_it_was_written_is_not_taken_for_one(codec, data):
    with pytest.raises(PayloadError, match="what was written is no secret") as caught:
        codec.decode(data, Secret, "it")
    assert caught.value.hint == ""
    assert "hunter2" not in str(caught.value)


def test_a_key_that_is_none_is_refused_without_showing_it():
    with pytest.raises(PayloadError, match="32 bytes") as caught:
        JsonCodec((Secret("not a key at all"),))
    assert "not a key at all" not in str(caught.value)


def test_texts_are_scrubbed_of_what_passed_through():
    codec = JsonCodec((JsonCodec.new_key(),))
    longer = Access("x", Secret("hunter2hunter2-and-more"), [Secret("tiny")])
    codec.encode(ACCESS, "it", Access)
    reader = JsonCodec(codec_keys := (JsonCodec.new_key(),))
    codec.encode(longer, "it", Access)
    text = "login with hunter2hunter2-and-more or hunter2hunter2, tiny"
    assert codec.scrub(text) == "login with [redacted] or [redacted], tiny"
    data = JsonCodec(codec_keys).encode(ACCESS, "it", Access)
    assert reader.scrub("hunter2hunter2") == "hunter2hunter2"
    reader.decode(data, Access, "it")
    assert reader.scrub("hunter2hunter2") == "[redacted]"


@pytest.mark.parametrize(
    ("value", "wanted", "read"),
    [
        (3, int, 3),
        ("x", Any, "x"),
        (b"x", Any, "eA=="),
        ((1, 2), list[int], [1, 2]),
        (3, float, 3.0),
        (ACCESS, Access, ACCESS),
    ],
)
def test_what_is_kept_comes_with_what_will_be_read(value, wanted, read):
    codec = JsonCodec((JsonCodec.new_key(),))
    data, kept = codec.keep(value, "it", wanted)
    assert (kept, type(kept)) == (read, type(read))
    assert codec.decode(data, wanted, "it") == kept


def test_what_could_not_be_read_is_not_kept():
    with pytest.raises(PayloadError, match="it would not be readable as int"):
        JsonCodec().keep("x", "it", int)


class Own:
    """A class of the user's own."""


@dataclass
class Tree:
    children: list["Tree"]
    access: Access | None = None


@pytest.mark.parametrize(
    "wanted",
    [
        Any,
        None,
        object,
        int,
        Access,
        Tree,
        Secret,
        PurePosixPath | None,
        dict[str, list[Access]],
        tuple[int, ...],
        Colour,
    ],
)
def test_types_that_travel_pass(wanted):
    JsonCodec().check(wanted, "it")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Own, "it cannot be Own: Own is not a type that travels"),
        (dict[str, list[Own] | None], "Own is not a type that travels"),
        (Access | Tree, "may not contain more than one dataclass"),
        (Decimal | str, "may not contain more than one str-like"),
    ],
)
def test_types_that_cannot_travel_are_refused_before_there_are_values(wanted, message):
    with pytest.raises(PayloadError, match=message):
        JsonCodec().check(wanted, "it")


@pytest.mark.parametrize(
    "data", [b"{}", b'{"a":1}', b'{"$secret":7}', b'{"$secret":null}', b'{"$secret":"x"}', b"[]", b"7"]
)
def test_what_is_no_secret_is_not_read_as_one(data):
    with pytest.raises(PayloadError, match="it cannot be read from the journal as Secret"):
        JsonCodec((JsonCodec.new_key(),)).decode(data, Secret, "it")


@dataclass
class Picky:
    """Raises what is neither a ValueError nor a TypeError."""

    name: str

    def __post_init__(self) -> None:
        {"tea": 1}[self.name]


def test_whatever_a_type_raises_when_it_is_read_is_told():
    with pytest.raises(PayloadError, match=r"it cannot be read from the journal as Picky: KeyError\('coffee'\)"):
        JsonCodec().decode(b'{"name":"coffee"}', Picky, "it")
    made = Picky("tea")
    made.name = "coffee"
    with pytest.raises(PayloadError, match=r"it would not be readable as Picky: KeyError\('coffee'\)"):
        JsonCodec().keep(made, "it", Picky)
