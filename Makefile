# make demo [IN=file]   install, then render the bundled voice (and IN) through a preset into out/
# make test [ARGS=…]    install what tests need, then run all of them
# make lint             ruff, pyright, import-linter, README's device table
# make docs             the documentation site, into out/docs; needs no network once installed
# make bench            speed against a named peer
# make clean            remove what these commands made
#
# Everything goes through relative paths, so the folder may have a space in its name.

PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo "$$p" && break; done)
RUN := .venv/bin/python
export IN

.PHONY: demo test lint docs bench clean
.DELETE_ON_ERROR:

demo: .venv/installed-all
	$(RUN) -m voxrack demo --out out $${IN:+--in "$$IN"}

# Tests in a browser run by themselves: Playwright's threads and greenlets stay out of the processes of all others.
# A file's tests stay together (loadfile): they share a JupyterLab. pytest ends with 5 where ARGS leave no test of the kind.
# One thread of arithmetic each: two processes of two threads each wait for one another and take two to three times as long.
test: .venv/installed-dev
	$(RUN) tools/warm.py
	@status=0; for how in "load:not browser" loadfile:browser; do \
		which="$${how#*:}"; echo "tests: $$which"; \
		OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(RUN) -m pytest -n 2 --dist "$${how%%:*}" -m "$$which" $(ARGS) || { code=$$?; [ $$code -eq 5 ] || status=$$code; }; \
	done; exit $$status

lint: .venv/installed-dev
	.venv/bin/ruff check .
	$(RUN) -m pyright
	.venv/bin/lint-imports
	$(RUN) tools/device_table.py --check

docs: .venv/installed-dev
	$(RUN) -m sphinx --fail-on-warning --keep-going --quiet docs out/docs
	@echo "open out/docs/index.html"

bench: .venv/installed-dev
	$(RUN) -m benchmarks.render

clean:
	rm -rf .venv out

# A half-made environment is removed, so that the next call begins anew.
.venv/made:
	@test -n "$(PYTHON)" || { echo "voxrack needs Python 3.11 or 3.12, and none is on the path (make PYTHON=/path/to/python)" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv || { rm -rf .venv; exit 1; }
	touch $@

# The stamps make a second call start at once, and without a network. torch's bound stands in pyproject.toml,
# so that it is in the same pip call as everything that needs torch.
.venv/installed-all: .venv/made pyproject.toml
	@echo "installing voxrack and what it needs into .venv: some minutes, 2 GB, once"
	$(RUN) -m pip install -q --disable-pip-version-check -e '.[all]'
	touch $@

.venv/installed-dev: .venv/made pyproject.toml
	@echo "installing voxrack and what its tests need into .venv: some minutes, 2 GB, once"
	$(RUN) -m pip install -q --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/installed-all
