#!/bin/sh
# Builds the account pages into web/account/dist, which the server carries. Without Node.js the server is
# built all the same, and its pages say what is missing; where tests run in CI that is an error.
set -eu
cd "$(dirname "$0")/../web/account"

say() { echo "pages: $*" >&2; }

version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\)\.\([0-9]*\).*/\1 \2/')
# shellcheck disable=SC2086
set -- ${version:-0 0}
if [ "$1" -lt 20 ] || { [ "$1" -eq 20 ] && [ "$2" -lt 19 ]; }; then
    say "Node.js 20.19 or newer is needed to build the account pages; see https://nodejs.org"
    [ "${CI:-}" != true ] || exit 1
    say "going on without them"
    exit 0
fi
done=node_modules/.package-lock.json
if [ ! -f "$done" ] || [ -n "$(find package-lock.json -newer "$done")" ]; then
    npm ci --no-audit --no-fund --loglevel=error >&2
    touch "$done"
fi
npm run --silent build >&2
