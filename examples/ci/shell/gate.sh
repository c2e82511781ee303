#!/bin/sh
# One call to the gate from any CI system: documents in, verdict out.
#
#   gate.sh RELEASE IMAGE FILE…      gate.sh shop-1.4.2 registry.example/shop/web@sha256:… sbom.json vex.json
#
# Reads STELLA_SERVER, STELLA_TOKEN (short-lived, from the job's environment), STELLA_ENVIRONMENT; writes
# stella.sarif, stella.xml (JUnit) and stella.md. Exits 0 allow, 2 deny, 3 cannot decide, 10 usage, 11 infrastructure.
# Exit code 0 alone is not believed: the last line must say so too.
set -eu

release=$1 image=$2
shift 2
for file in "$@"; do
    set -- "$@" --file "$file"
    shift
done

status=0
stella gate evaluate --environment "$STELLA_ENVIRONMENT" --create "$release" --image "$image" "$@" \
    --wait --timeout "${STELLA_TIMEOUT:-300}" \
    --write sarif=stella.sarif --write junit=stella.xml --write markdown=stella.md >stella.txt || status=$?
cat stella.txt
if [ "$status" -eq 0 ] && ! tail -n 1 stella.txt | grep -q '^stella: allow verdict=sha256:'; then
    echo "exit code 0 without an answer: not believed" >&2
    status=11
fi
exit "$status"
