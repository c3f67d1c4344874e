import pytest

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.router.names import check_host, check_upstream


@pytest.mark.parametrize(
    "host", ["localhost", "a.b", "production.shop.localhost", "xn--mller-kva.de", "1a.2b", "x" * 63]
)
def test_host_names_pass(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("host", ["", ".", "a.", ".a", "A.b", "a_b.c", "-a", "a-", "1.2.3.4", "[::1]", "x" * 64, "*.a"])
def test_what_is_none_does_not(host: str) -> None:
    with pytest.raises(PermanentError, match="no host name"):
        check_host(host)


@pytest.mark.parametrize("upstream", ["127.0.0.1:1", "localhost:65535", "app-1.internal:80"])
def test_upstreams_pass(upstream: str) -> None:
    check_upstream(upstream)
