import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.cloud.modules.projects import InvalidHandleError, check_handle, environment_handle
from euryale.cloud.providers.builder.names import check_names
from euryale.cloud.providers.database.names import checked_name
from euryale.cloud.providers.router.names import check_host, check_name
from euryale.cloud.providers.runtime.names import check_handle as check_runtime_handle
from euryale.cloud.workflows.references import Place

branches = st.text(min_size=1, max_size=80) | st.from_regex(r"[a-z]{1,8}([-/_][A-Za-z0-9]{1,9}){0,4}", fullmatch=True)


@given(branch=branches)
def test_the_handle_of_a_branch_is_safe_at_every_provider(branch: str) -> None:
    handle = environment_handle(branch)
    place = Place("a" * 30, handle)
    assert 1 <= len(handle) <= 30
    assert handle != "production"
    assert "--" not in handle, "or <project>--<environment> could be another's"
    check_host(f"{handle}.shop.localhost")
    check_name(place.app)
    check_runtime_handle(place.app)
    check_runtime_handle(place.instance("web", 12345))
    check_names(place.build(12345))
    assert checked_name(handle) == handle


@given(one=branches, other=branches)
def test_two_branches_have_two_handles(one: str, other: str) -> None:
    assert (environment_handle(one) == environment_handle(other)) == (one == other)


@given(branch=branches)
def test_a_branch_that_is_called_as_a_handle_has_another_one(branch: str) -> None:
    handle = environment_handle(branch)
    assert handle == branch or environment_handle(handle) != handle


def test_a_plain_branch_keeps_its_name() -> None:
    assert environment_handle("new-checkout") == "new-checkout"
    assert environment_handle("production").startswith("production-")
    assert environment_handle("Feature/New checkout").startswith("feature-new-checkout-")


@pytest.mark.parametrize("name", ["ab", "my-shop", "a1", "a" * 30])
def test_accepts_names_of_projects(name: str) -> None:
    assert check_handle(name) == name


@pytest.mark.parametrize(
    "name", ["", "a", "1a", "-a", "a-", "a--b", "A1", "a_b", "a.b", "a/b", "..", "ü1", "a" * 31, "a\n", "www", "git"]
)
def test_refuses_others(name: str) -> None:
    with pytest.raises(InvalidHandleError):
        check_handle(name)
