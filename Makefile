.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## get Odoo 19, Python, PostgreSQL and the tools; what is there is kept
	@dev/setup

demo: ## Odoo with demo data, refreshed, served on PORT=8069; SERVE=0 ends before serving
	@dev/demo

test: ## the whole suite; ARGS="-k word" chooses tests, FRESH=1 makes the test database anew
	@dev/test $(ARGS)

lint: ## all checks that need no database
	@dev/lint

format: ## rewrite what the formatters can repair
	@dev/lint --fix

bench: ## the measurements, up to an hour; QUICK=1: five minutes, a tenth of the size
	@dev/python benchmarks/run.py $(ARGS)

clean: ## drop the project's databases and remove what it put into the cache
	@dev/clean
