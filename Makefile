# Every target is a command of truce, run by uv, which is fetched into .tools where it is not installed. `make help` lists them.
PYTHON ?= python3
TRUCE := $(PYTHON) .ci/uv.py run truce

.DEFAULT_GOAL := help
.PHONY: help demo up check test fuzz bench

help: ## Show this.
	@$(PYTHON) -c "import re; [print('make %-8s %s' % found) for found in re.findall(r'(?m)^(\w+): ## (.*)', open('Makefile').read())]"

demo: ## Play a short story on a real Kafka, a real PostgreSQL and two emulated systems; 0 only if both agree at the end. PAIR=espocrm,mautic plays with those.
	@$(TRUCE) demo $(if $(PAIR),--pair $(PAIR))

up: ## Run the same parts until Ctrl-C.
	@$(TRUCE) up

check: ## The fast part: format, lint, types, imports, and all tests that need no servers.
	@$(TRUCE) house check

test: ## Every test, those on a real Kafka and a real PostgreSQL too; ends with pytest's closing line.
	@$(TRUCE) house test

fuzz: ## 100,000 playbooks and conditions that nobody meant, for ten minutes at most: nothing but problems may come of them.
	@$(TRUCE) house fuzz

bench: ## Measure, print, and write .truce/bench.json.
	@$(TRUCE) bench
