#!/usr/bin/env bash
# sort-images-list.sh: `mirror fmt`.
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" fmt "$@"
