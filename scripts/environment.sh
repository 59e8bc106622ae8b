# Sourced by run and test: makes .venv and installs the package with the pins of constraints.txt, once.
# A stamp remembers what was installed; it is written last, so an install that broke off is done again.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "no Python 3.10 or newer found: install one, or name it with PYTHON=/path/to/python" >&2
    return 1
}

# install EXTRA: "" for the program, "[test]" for the checks too
install() {
    local python stamp wanted
    stamp="$root/.venv/.installed$1"
    wanted=$(cat "$root/setup.cfg" "$root/pyproject.toml" "$root/constraints.txt" | cksum; echo "$root")
    if ! "$root/.venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        python=$(find_python) || exit 1
        "$python" -m venv --clear "$root/.venv" || {
            echo "$python cannot make a virtual environment: install its venv package (on Debian python3-venv)" >&2
            exit 1
        }
    fi
    [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || return 0
    echo "Installing hl-run$1 into .venv (a few minutes, once)" >&2
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
        --constraint "$root/constraints.txt" --editable "$root$1" >&2
    # pip would compile on one core; some packages hold templates that are no Python
    "$root/.venv/bin/python" -m compileall -q -j 0 "$root/.venv/lib" >/dev/null 2>&1 || true
    echo "$wanted" >"$stamp"
}
