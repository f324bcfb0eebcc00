#!/usr/bin/env bash
# FULL_IMAGES=a:1,b:2 add-full-image-wrapper.sh: `mirror add-tag` that skips existing rows and sorts the
# list.
unset IMAGES TAGS
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" add-tag --skip-existing --sort "$@"
