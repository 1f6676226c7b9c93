#!/bin/sh
# Checked SQL: applies all migrations to a private PostgreSQL and lets the macros of sqlx write down
# what they find there.
#   prepare.sh           renew .sqlx
#   prepare.sh --check   fail when .sqlx is not what this would write
#   prepare.sh --serve   keep the migrated database running for a developer's cargo
# It calls itself once more (--inside) beside the server that `private-postgres` starts.
set -eu
cd "$(dirname "$0")/.."
database=reference

say() { echo "prepare: $*" >&2; }

# A folder the user `postgres` can enter when we are root.
start_server() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/insula-prepare.XXXXXX")
    chmod 711 "$work"
    trap clean EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    cargo run -q -p private-postgres -- run --fast --data "$work/pg" -- \
        "$0" --inside "$1" "$work"
}

# After a Ctrl-C the server is still on its way down.
clean() {
    tries=0
    while [ -e "$work/pg/cluster/postmaster.pid" ] && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ ! -e "$work/socket" ] || rmdir "$(cat "$work/socket")" 2>/dev/null || true
    rm -rf "$work"
}

query() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# Control as it stands; a project's tables into slot 0, which is never given out.
migrate() {
    query -d postgres -c "create database $database"
    for file in migrations/control/*.sql; do
        [ -e "$file" ] || continue
        query -d "$database" --single-transaction -f "$file" || { say "failed: $file"; exit 1; }
    done
    query -d "$database" -c 'create schema t_000000'
    for file in migrations/project/*.sql; do
        [ -e "$file" ] || continue
        query -d "$database" --single-transaction \
            -c 'set search_path to t_000000, pg_temp' -f "$file" || { say "failed: $file"; exit 1; }
    done
}

# The socket's folder holds no character but `/` that a URL would quote.
database_url() {
    printf 'postgres://postgres@localhost:5432/%s?host=%s&options=-csearch_path%%3Dt_000000%%2Cpg_temp' \
        "$database" "$(printf %s "$INSULA_PG_SOCKET" | sed 's,/,%2F,g')"
}

# cargo notices neither a changed variable nor a changed migration, so every file with a checked
# query is made to look new.
describe() {
    mkdir "$1"
    grep -rl 'query[a-z_]*!' --include='*.rs' \
        api cli courier flows identity tenants tests worker | while read -r file; do touch "$file"; done
    touch tenants/src/lib.rs identity/src/lib.rs courier/src/lib.rs flows/src/lib.rs
    DATABASE_URL=$(database_url) SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$1 \
        cargo check -q --workspace --all-targets
}

compare() {
    mkdir -p "$2/none"
    old=.sqlx
    [ -d "$old" ] || old=$2/none
    if ! diff -r -q "$old" "$1"; then
        say ".sqlx does not fit the queries and migrations: run 'make prepare' and commit .sqlx"
        exit 1
    fi
}

# Only a whole set replaces the old one.
replace() {
    rm -rf .sqlx
    mkdir .sqlx
    find "$1" -name 'query-*.json' -exec cp {} .sqlx/ \;
    say "$(find .sqlx -name 'query-*.json' | wc -l | tr -d ' ') queries described in .sqlx"
}

serve() {
    echo "export DATABASE_URL='$(database_url)'"
    echo "export SQLX_OFFLINE=false"
    say "running until Ctrl-C; a changed migration needs a new start"
    while kill -0 "$PPID" 2>/dev/null; do sleep 1; done
}

case "${1:-}" in
'') start_server write ;;
--check) start_server check ;;
--serve) start_server serve ;;
--inside)
    echo "$INSULA_PG_SOCKET" >"$3/socket"
    migrate
    case "$2" in
    write) describe "$3/sqlx" && replace "$3/sqlx" ;;
    check) describe "$3/sqlx" && compare "$3/sqlx" "$3" ;;
    serve) serve ;;
    esac
    ;;
*)
    say "usage: $0 [--check | --serve]"
    exit 2
    ;;
esac
