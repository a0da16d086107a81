.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.installed: requirements/dev.txt sdk/python/pyproject.toml bin/bootstrap
	@bin/bootstrap
	@touch $@

setup: .venv/.installed ## install what the project needs into .venv

lint: .venv/.installed ## style and likely mistakes
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

fmt: .venv/.installed ## put the code into form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

types: .venv/.installed ## strict types of our packages
	.venv/bin/mypy

imports: .venv/.installed ## the floors of the house
	.venv/bin/lint-imports

migrations: .venv/.installed ## models and migrations agree
	$(PYTHON) manage.py makemigrations --check --dry-run

.PHONY: help setup lint fmt types imports migrations
