from euryale.cloud.providers.runtime.process.redaction import masks_of, redact
from euryale.kit.secret import Secret


def masks(*values: str) -> list[str]:
    return masks_of({f"V{number}": Secret(value) for number, value in enumerate(values)})


def test_values_are_masked_longest_first() -> None:
    found = masks("abcdefgh", "abcdefgh-and-more")
    assert redact("x abcdefgh-and-more y abcdefgh", found) == "x [redacted] y [redacted]"


def test_what_every_text_holds_is_left_alone() -> None:
    assert masks("production", "short", "", "12345678", "true") == []


def test_password_of_a_url_is_masked_on_its_own() -> None:
    found = masks("postgresql://shop:pa%20ss-word@127.0.0.1:5432/shop")
    assert redact("denied for 'pa ss-word'", found) == "denied for '[redacted]'"
    assert redact("denied for pa%20ss-word", found) == "denied for [redacted]"


def test_each_line_of_a_key_is_masked() -> None:
    found = masks("-----BEGIN KEY-----\nMIIBVgIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n")
    assert "MIIB" not in redact("> MIIBVgIBADANBg <", found)
    assert not any("\n" in mask for mask in found)


def test_value_is_masked_as_it_looks_in_json_and_in_urls() -> None:
    found = masks('qu"ote/and space')
    assert redact('{"a": "qu\\"ote/and space"}', found) == '{"a": "[redacted]"}'
    assert redact("?a=qu%22ote%2Fand%20space", found) == "?a=[redacted]"


def test_url_that_is_none_is_masked_as_it_is() -> None:
    assert masks("http://[broken") == ["http%3A%2F%2F%5Bbroken", "http://[broken"]
