#!/usr/bin/env bash
# check-new-images-exist.sh: `mirror check-new`, in Drone against the commit before the push.
[[ ${DRONE:-} != true || ! ${DRONE_COMMIT_BEFORE:-} =~ [1-9a-f] ]] || set -- --base "$DRONE_COMMIT_BEFORE" "$@"
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" check-new "$@"
