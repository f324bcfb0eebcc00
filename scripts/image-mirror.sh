#!/usr/bin/env bash
# image-mirror.sh [FILE [OPTION…]]: `mirror sync --arch-tags` of the list in FILE, else in IMAGES_FILE,
# else on standard input. Logs in first where DOCKER_USERNAME and DOCKER_PASSWORD are set.
set -euo pipefail
mirror=$(dirname "${BASH_SOURCE[0]}")/run-mirror
[[ -z ${DOCKER_USERNAME:-} || -z ${DOCKER_PASSWORD:-} ]] ||
    "$mirror" login "${DOCKER_REGISTRY:-docker.io}" --username "$DOCKER_USERNAME" --password-stdin <<<"$DOCKER_PASSWORD"
exec "$mirror" sync --arch-tags --images-list "${1:-${IMAGES_FILE:-/dev/stdin}}" "${@:2}"
