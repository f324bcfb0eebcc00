#!/usr/bin/env bash
# IMAGES=a,b TAGS=1,2 add-tag-to-existing-image.sh: `mirror add-tag`; pairs that are there are passed over.
unset FULL_IMAGES
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" add-tag --skip-existing "$@"
