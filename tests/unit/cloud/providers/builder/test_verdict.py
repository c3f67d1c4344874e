import pytest

from euryale.cloud.providers.builder.process.verdict import failed_command, missing_file, not_started, timed_out

_NPM = "npm error `npm ci` can only install packages when your package.json and package-lock.json or ... are in sync."


def test_names_the_command_its_exit_and_its_last_thirty_lines() -> None:
    reason = failed_command("build", "npm run build", 2, [str(number) for number in range(50)])
    assert reason.splitlines() == ["build: `npm run build` ended with exit code 2.", *map(str, range(20, 50))]


@pytest.mark.parametrize(
    ("said", "code", "hint"),
    [
        (_NPM, 1, "run `npm install` and commit package-lock.json"),
        ("ERR_PNPM_OUTDATED_LOCKFILE  Cannot install", 1, "run `pnpm install` and commit pnpm-lock.yaml"),
        ("error Your lockfile needs to be updated", 1, "run `yarn install` and commit yarn.lock"),
        ("FATAL ERROR: Reached heap limit: JavaScript heap out of memory", 134, "--max-old-space-size"),
        ("Killed", 137, "memory ran out"),
        ("", -9, "memory ran out"),
        ("npm error code E401", 1, "its token"),
    ],
)
def test_says_what_helps(said: str, code: int, hint: str) -> None:
    # the message of npm stands far above its last thirty lines: the hint must be found all the same
    reason = failed_command("install", "npm ci", code, [said, *["npm error"] * 100])
    assert hint in reason.splitlines()[1]


def test_a_signal_is_told_from_an_exit_code() -> None:
    assert "was ended by signal 15" in failed_command("build", "make", -15, [])
    assert failed_command("build", "make", 1, ["done"]).splitlines()[1:] == ["done"]


def test_says_which_variables_keep_a_command_from_starting() -> None:
    first, hint = not_started("build", "make", "Argument list too long").splitlines()
    assert first == "build: `make` could not be started: Argument list too long."
    assert "128 KiB" in hint


def test_names_what_took_too_long_and_what_is_missing() -> None:
    assert timed_out("build", "make", 90.0, []) == "build: the build was ended after 90 s, during `make`."
    assert "dist/index.html" in missing_file("dist/index.html")
