#!/bin/sh
# Brings what building and testing need and cargo does not: silent and quick when all is there.
# With the argument `tests` also what only tests need: Chromium and npm packages.
# On Debian and Ubuntu it installs as root, or through sudo when that asks no password; everywhere
# else it says what is missing.
set -eu
cd "$(dirname "$0")/.."
pg_min=15
tests=${1:-}

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# The major version of the PostgreSQL in folder $1, 0 when there is none.
pg_major() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ] && [ -e "$1/psql" ] || { echo 0; return; }
    "$1/postgres" --version 2>/dev/null | sed -n 's/^.*) \([0-9]*\).*/\1/p' | grep . || echo 0
}

# The same places where cli/postgres looks.
have_postgres() {
    if [ -n "${INSULA_PG_BIN:-}" ]; then
        [ "$(pg_major "$INSULA_PG_BIN")" -ge "$pg_min" ]
        return
    fi
    on_path=$(command -v postgres 2>/dev/null || true)
    [ -z "$on_path" ] || on_path=$(dirname "$(readlink -f "$on_path" 2>/dev/null || echo "$on_path")")
    for bin in "$(pg_config --bindir 2>/dev/null || true)" \
        /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
        /Applications/Postgres.app/Contents/Versions/*/bin "$on_path"; do
        [ "$(pg_major "$bin")" -lt "$pg_min" ] || return 0
    done
    return 1
}

have_compiler() { have cc || have gcc || have clang; }

have_account() { [ "$(id -u)" -ne 0 ] || id -u postgres >/dev/null 2>&1; }

# The same places where tests/browser looks.
have_chromium() {
    [ -n "${INSULA_CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome ||
        have google-chrome-stable
}

# The packages of Debian and Ubuntu that are missing.
missing_packages() {
    { have_postgres && have_account; } || printf ' postgresql'
    have_compiler || printf ' build-essential'
    have curl || printf ' curl ca-certificates'
    # Elsewhere than where apt can bring it, its tests are skipped.
    [ -z "$tests" ] || have_chromium || ! have apt-get || printf ' chromium'
}

# $1: nothing, or sudo. No cluster is made and no service started: the package would make one at
# its first installation, unless told otherwise for that moment.
apt_install() {
    root=$1
    shift
    folder=/etc/postgresql-common/createcluster.d
    $root mkdir -p "$folder"
    echo 'create_main_cluster = false' | $root tee "$folder/insula-setup.conf" >/dev/null
    status=0
    { $root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } >&2 ||
        status=$?
    $root rm -f "$folder/insula-setup.conf"
    return "$status"
}

install_packages() {
    if ! have apt-get; then
        say "missing:$*"
        say "(names of Debian packages; PostgreSQL $pg_min or newer with initdb, psql and the contrib modules)"
        have brew && say "with Homebrew: brew install postgresql@17"
        exit 1
    fi
    if [ -n "${INSULA_PG_BIN:-}" ] && ! have_postgres; then
        say "INSULA_PG_BIN=$INSULA_PG_BIN holds no PostgreSQL $pg_min or newer (postgres, initdb, psql)"
        exit 1
    fi
    say "installing:$*"
    if [ "$(id -u)" -eq 0 ]; then
        # shellcheck disable=SC2086
        apt_install '' $1 || exit 1
    elif have sudo && sudo -n true 2>/dev/null; then
        # shellcheck disable=SC2086
        apt_install sudo $1 || exit 1
    else
        say "this needs root. Please run:"
        say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$1"
        exit 1
    fi
    if ! have_postgres; then
        say "this system's PostgreSQL is older than $pg_min; take one from https://apt.postgresql.org"
        exit 1
    fi
}

check_rust() {
    have cargo && return
    say "cargo is missing; install Rust with"
    say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    say "rust-toolchain.toml then picks the right version by itself"
    exit 1
}

# Needed by the tests of the JavaScript SDK and of the account pages.
check_node() {
    folder=$1
    [ -f "$folder/package.json" ] || return 0
    found=$(node --version 2>/dev/null) || found=none
    if [ "$(printf '%s\n' v20.19 "$found" | sort -V | head -n 1)" != v20.19 ]; then
        say "Node.js 20.19 or newer is needed for $folder (found: $found); see https://nodejs.org"
        exit 1
    fi
    lock=$folder/package-lock.json
    done=$folder/node_modules/.package-lock.json
    if [ -f "$lock" ] && { [ ! -f "$done" ] || [ -n "$(find "$lock" -newer "$done")" ]; }; then
        (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error >&2)
        touch "$done"
    fi
}

packages=$(missing_packages)
[ -z "$packages" ] || install_packages "$packages"
check_rust
[ -z "$tests" ] || for folder in tests/node tests/browser; do check_node "$folder"; done
