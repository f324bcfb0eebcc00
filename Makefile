# Each wrapper script is a target that takes variables:
#   make add-tag-to-existing-image.sh IMAGES=quay.io/coreos/etcd TAGS=v3.5.18
WRAPPERS := $(notdir $(wildcard scripts/*.sh))

.DEFAULT_GOAL := help
.PHONY: help check test $(WRAPPERS)

help:
	@echo 'Usage: make check | test | SCRIPT [VARIABLE=…]. Scripts:'
	@printf '  %s\n' $(WRAPPERS)

check test:
	@scripts/$@

# make exports the variables of its command line.
$(WRAPPERS):
	@scripts/$@
