#!/usr/bin/env bash
# FULL_IMAGES=a:1,b:2 add-full-image-wrapper.sh: `mirror add-tag`; pairs that are there are passed over.
unset IMAGES TAGS
exec "$(dirname "${BASH_SOURCE[0]}")/run-mirror" add-tag --skip-existing "$@"
