#!/usr/bin/env bash
# compare.sh [FILE [OPTION…]]: `mirror compare` with the list FILE, IMAGES_FILE or stdin. The option
# --arch-tags also compares the tags per architecture.
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" compare --allow-empty --images-list "${1:-${IMAGES_FILE:-/dev/stdin}}" "${@:2}"
