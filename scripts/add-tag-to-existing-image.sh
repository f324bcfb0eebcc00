#!/usr/bin/env bash
# IMAGES=a,b TAGS=1,2 add-tag-to-existing-image.sh: `mirror add-tag` that skips existing rows.
unset FULL_IMAGES
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" add-tag --skip-existing "$@"
