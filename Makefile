# The names of the scripts are targets, with variables as people type them:
#   make add-tag-to-existing-image.sh IMAGES=quay.io/coreos/etcd TAGS=v3.5.18
WRAPPERS := $(notdir $(wildcard scripts/*.sh))

.DEFAULT_GOAL := help
.PHONY: help check test $(WRAPPERS)

help:
	@echo 'make check | test | SCRIPT [VARIABLE=…], SCRIPT being one of:'
	@printf '  %s\n' $(WRAPPERS)

check test:
	@scripts/$@

# What stands on make's command line is in the environment of its commands.
$(WRAPPERS):
	@scripts/$@
