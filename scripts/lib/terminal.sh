# Sourced by the scripts: where the repository is, what is printed and how.
# shellcheck shell=bash

SCRIPT=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT" || exit 1
BIN=$ROOT/.venv/bin

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    GREEN=$'\e[32m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
    GREEN='' RED='' DIM='' PLAIN=''
fi

# The comment at the head of a script is its manual.
print_help() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$SCRIPT"
}

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2
    exit 1
}

now_ms() {
    local microseconds=${EPOCHREALTIME/[.,]/}
    echo "${microseconds%???}"
}

# timed LABEL COMMAND...: one line with the time it took; what the command printed, only if it failed.
timed() {
    local label=$1 output begun took
    shift
    output=$(mktemp)
    begun=$(now_ms)
    [ -t 1 ] && printf '%s  .. %s%s\r' "$DIM" "$label" "$PLAIN"
    if "$@" >"$output" 2>&1; then
        took=$(($(now_ms) - begun))
        printf '%s  ok%s %-14s %s%d.%01d s%s\n' "$GREEN" "$PLAIN" "$label" "$DIM" $((took / 1000)) $((took % 1000 / 100)) "$PLAIN"
        rm -f "$output"
        return 0
    fi
    took=$(($(now_ms) - begun))
    printf '%sfail%s %-14s %s%d.%01d s%s\n' "$RED" "$PLAIN" "$label" "$DIM" $((took / 1000)) $((took % 1000 / 100)) "$PLAIN"
    sed 's/^/     /' "$output"
    rm -f "$output"
    return 1
}
