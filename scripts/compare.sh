#!/usr/bin/env bash
# compare.sh [FILE [OPTION…]]: `mirror compare` of the list in FILE, else in IMAGES_FILE, else on standard
# input. The tags per architecture count with the option --arch-tags.
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" compare --images-list "${1:-${IMAGES_FILE:-/dev/stdin}}" "${@:2}"
