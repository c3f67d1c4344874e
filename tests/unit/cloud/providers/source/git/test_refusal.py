import pytest

from euryale.cloud.providers.errors import (
    AccessDeniedError,
    PermanentError,
    ProviderUnavailableError,
    RateLimitedError,
)
from euryale.cloud.providers.source.contract import InvalidRepositoryError, UnknownRefError, UnknownRepositoryError
from euryale.cloud.providers.source.git.refusal import refusal

SAID = [
    ("fatal: unable to access 'https://x.invalid/': Could not resolve host: x.invalid", ProviderUnavailableError),
    ("ssh: Could not resolve hostname x.invalid: Name or service not known", ProviderUnavailableError),
    (
        "fatal: unable to access 'http://h/': Failed to connect to h port 80: Connection refused",
        ProviderUnavailableError,
    ),
    ("fatal: unable to connect to h:\nh[0: 127.0.0.1]: errno=Connection refused", ProviderUnavailableError),
    ("error: The requested URL returned error: 503", ProviderUnavailableError),
    ("fatal: something nobody has seen before", ProviderUnavailableError),
    ("", ProviderUnavailableError),
    ("error: The requested URL returned error: 429", RateLimitedError),
    ("fatal: Authentication failed for 'https://github.com/a/b/'", AccessDeniedError),
    ("fatal: could not read Username for 'https://h': terminal prompts disabled", AccessDeniedError),
    ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", AccessDeniedError),
    ("Host key verification failed.", AccessDeniedError),
    ("error: The requested URL returned error: 403", AccessDeniedError),
    ("remote: Repository not found.\nfatal: repository 'https://h/a/' not found", UnknownRepositoryError),
    ("fatal: '/srv/a' does not appear to be a git repository", UnknownRepositoryError),
    ("fatal: remote error: access denied or repository not exported: /a", UnknownRepositoryError),
    ("fatal: https://h/a/info/refs not valid: is this a git repository?", UnknownRepositoryError),
    ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate", PermanentError),
    ("fatal: transport 'ext' not allowed", InvalidRepositoryError),
    ("fatal: remote error: upload-pack: not our ref 0123", UnknownRefError),
    ("error: unable to write file: No space left on device", ProviderUnavailableError),
]


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_gits_words_become_errors(said, kind):
    assert type(refusal(said, "https://h/a")) is kind


def test_the_message_says_where_and_why_and_no_credentials():
    error = refusal(
        "warning: x\nfatal: unable to access 'https://ada:s3cr3t@h/a/': Could not resolve host: h", "https://h/a"
    )
    assert str(error) == (
        "The host name is not known of https://h/a: fatal: unable to access 'https://h/a/': Could not resolve host: h"
    )
