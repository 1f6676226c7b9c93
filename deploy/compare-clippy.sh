#!/bin/sh
# tenants/clippy.toml replaces the workspace's file for that crate: it must hold the same bans but
# those on pools and connections.
set -eu
cd "$(dirname "$0")/.."

if ! grep -v 'sqlx::' clippy.toml | diff -u - tenants/clippy.toml; then
    echo "tenants/clippy.toml is not clippy.toml without its lines on sqlx:: (see the diff above)" >&2
    exit 1
fi
