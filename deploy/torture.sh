#!/bin/sh
# Plays random requests against a server of its own: schemathesis makes them from the published description
# and holds every answer against it. Brings its tools into target/torture; keeps a report there.
# TORTURE_SECONDS says how long; arguments go to `schemathesis run`.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
tools=$here/target/torture
wanted='schemathesis>=4.32,<5 openapi-spec-validator>=0.7,<0.8'

say() { echo "torture: $*" >&2; }

if [ "$(cat "$tools/wanted" 2>/dev/null || true)" != "$wanted" ]; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        { say "Python 3.10 or newer is needed"; exit 1; }
    rm -rf "$tools"
    python3 -m venv "$tools/venv"
    # shellcheck disable=SC2086
    "$tools/venv/bin/pip" install -q --disable-pip-version-check $wanted
    echo "$wanted" >"$tools/wanted"
fi

say "is schemas/openapi.json valid?"
"$tools/venv/bin/python" -m openapi_spec_validator schemas/openapi.json

cargo build -p cli --bin insula
folder=$(mktemp -d)
# PostgreSQL runs as another user when this is root.
chmod 711 "$folder"
(cd "$folder" && exec "$here/target/debug/insula" serve --dev --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0) \
    >"$tools/server.log" 2>&1 &
server=$!
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM
origin=
for _ in $(seq 120); do
    origin=$(sed -n 's/^Insula is ready.*: \(http[^ ]*\)$/\1/p' "$tools/server.log")
    [ -z "$origin" ] || break
    kill -0 "$server" 2>/dev/null || { cat "$tools/server.log" >&2; exit 1; }
    sleep 1
done
[ -n "$origin" ] || { say "the server did not start; see target/torture/server.log"; exit 1; }

# Somebody who is signed in, so that session routes have something to answer.
TORTURE_SESSION_TOKEN=$("$tools/venv/bin/python" - "$origin/p/demo" <<'EOF'
import json, sys, urllib.request
def ask(url, body=None):
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"content-type": "application/json"})
    return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request))
flow = ask(sys.argv[1] + "/self-service/registration/api")
person = {"method": "password", "password": "seven-lazy-otters", "traits": {"email": "ada@example.com"}}
print(ask(flow["ui"]["action"], person)["session_token"])
EOF
)
export TORTURE_SESSION_TOKEN

say "random requests to $origin"
status=0
cd "$tools"
"$tools/venv/bin/schemathesis" --config-file "$here/tests/schemathesis.toml" run "$origin/openapi.json" \
    --header "Authorization: Bearer $(cat "$folder/.insula/root.key")" --workers 1 --continue-on-failure \
    --max-time "${TORTURE_SECONDS:-300}" --report junit --report-dir "$tools/report" "$@" || status=$?

if faults=$(grep -n -i 'panicked\|a fault of ours\|ended badly' "$tools/server.log"); then
    say "faults in the server's log:"
    echo "$faults" >&2
    status=1
fi
exit "$status"
