import pytest

from euryale.cloud.providers.builder.process.masking import Masker, maskable

_KEY = "-----BEGIN KEY-----\nfirst-line-of-it\nsecond-line-of-it\n"


def _masked(values: list[str], *pieces: bytes) -> bytes:
    masker = Masker(values)
    return b"".join([*map(masker.feed, pieces), masker.finish()])


def test_a_value_is_found_across_pieces() -> None:
    assert _masked(["open-sesame"], b"say open-", b"ses", b"ame now\nnext") == b"say [redacted] now\nnext"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_value_is_found_in_an_endless_line(size: int) -> None:
    text = b"x" * 70_000 + b"open-sesame" + b"y" * 70_000
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert _masked(["open-sesame"], *pieces) == b"x" * 70_000 + b"[redacted]" + b"y" * 70_000


def test_whole_lines_are_shown_at_once() -> None:
    masker = Masker(["open-sesame"])
    assert masker.feed(b"one\ntwo\rthree") == b"one\ntwo\r"
    assert masker.finish() == b"three"


def test_lines_of_a_value_and_its_quoted_forms_are_found() -> None:
    said = (
        b'first-line-of-it\n"-----BEGIN KEY-----\\nfirst-line-of-it\\nsecond-line-of-it\\n"\nuser:p%40ss%2Fword@host\n'
    )
    assert _masked([_KEY, "p@ss/word"], said) == b'[redacted]\n"[redacted]"\nuser:[redacted]@host\n'


def test_the_password_of_a_url_is_found_on_its_own() -> None:
    url = "postgresql://shop:pa%20ss-word@127.0.0.1:5432/shop"
    assert _masked([url], b"denied for 'pa ss-word'\n") == b"denied for '[redacted]'\n"
    assert _masked(["https://shop:root@host/"], b"root\n") == b"root\n"


def test_the_longer_of_two_values_wins() -> None:
    assert _masked(["secret", "secret-and-more"], b"secret-and-more\n") == b"[redacted]\n"


def test_nothing_to_mask_changes_nothing() -> None:
    assert _masked([], b"a.*b\n") == b"a.*b\n"


def test_what_would_make_a_log_unreadable_is_left_alone() -> None:
    values = ["true", "1234567", "production", "hello", "shop.test", "open-sesame"]
    assert maskable(values, public=["shop.test"]) == ("open-sesame",)
