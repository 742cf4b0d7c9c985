# Two commands are all one needs: `make demo` and `make test`. Each sets up what it lacks, and is quick when nothing lacks.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench generate lock wheel
BIN := .venv/bin
INSTALL := $(if $(CI),wheel,editable)
WORKERS := -n 4 --dist loadfile --no-loadscope-reorder  # tests/conftest.py has them in order

help:        ## list the commands
	@grep -E '^[a-z]+: .*##|^[a-z]+:  +##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 12

setup:       ## make .venv ready: system packages, uv, locked dependencies, Cove
	@dev/bootstrap.sh $(INSTALL)

demo: setup  ## a session's whole life on this machine, in a minute
	@$(BIN)/cove demo

test: check  ## every check, then every test
	@$(BIN)/pytest $(WORKERS) $(ARGS)

check: setup ## formatting, lint, types, import contracts, sizes, generated files
	@$(BIN)/python dev/check.py

bench: setup ## measure a real server, beside the floors of the same run
	@$(BIN)/python -m benchmarks $(ARGS)

wheel: setup ## build the package into dist/
	@$(BIN)/hatchling build --target wheel --directory dist

generate: setup ## make again what is made from code: the sync client and the reference pages
	@$(BIN)/python dev/generate.py
	@$(BIN)/python dev/reference.py

lock: setup  ## resolve the dependencies again
	@dev/lock.sh
