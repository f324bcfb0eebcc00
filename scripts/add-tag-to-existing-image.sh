#!/usr/bin/env bash
# IMAGES=a,b TAGS=1,2 add-tag-to-existing-image.sh: `mirror add-tag` that skips existing rows and sorts the
# list.
unset FULL_IMAGES
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" add-tag --skip-existing --sort "$@"
