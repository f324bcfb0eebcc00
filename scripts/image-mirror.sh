#!/usr/bin/env bash
# image-mirror.sh [FILE [OPTION…]]: `mirror sync --arch-tags` with the list FILE, IMAGES_FILE or stdin.
# Logs in first if DOCKER_USERNAME and DOCKER_PASSWORD are set.
set -euo pipefail
mirror=$(dirname "${BASH_SOURCE[0]}")/run-mirror
[[ -z ${DOCKER_USERNAME:-} || -z ${DOCKER_PASSWORD:-} ]] ||
    "$mirror" login "${DOCKER_REGISTRY:-docker.io}" --username "$DOCKER_USERNAME" --password-stdin <<<"$DOCKER_PASSWORD"
exec "$mirror" sync --arch-tags --allow-empty --images-list "${1:-${IMAGES_FILE:-/dev/stdin}}" "${@:2}"
