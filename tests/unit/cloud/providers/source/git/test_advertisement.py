from euryale.cloud.providers.source.git.advertisement import default_branch, parse_advertisement


def test_head_names_the_default_branch():
    text = "ref: refs/heads/dev\tHEAD\n11\tHEAD\n22\trefs/heads/a/b\n11\trefs/heads/dev\n33\trefs/tags/refs/heads/x\n"
    assert parse_advertisement(text) == ("dev", {"a/b": "22", "dev": "11"})


def test_no_branch_no_default():
    assert parse_advertisement("") == ("", {})


def test_a_detached_or_dangling_head_falls_back_to_what_is_there():
    assert default_branch({"a": "1", "b": "2"}, at="2") == "b"
    assert default_branch({"a": "1", "master": "2"}, named="gone") == "master"
    assert default_branch({"b": "1", "a": "2"}, named="gone") == "a"
