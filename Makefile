# Every target installs what it needs into .venv first; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Small models gain nothing from many threads, and test processes must not fight for cores.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-slurm bench bench-gpu bench-endpoint check format golden clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Make .venv and install occpred, with the pinned versions, into it

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Run the whole road on simulated people with the embedded model: minutes on two CPU cores
	$(BIN)/occpred experiments=demo

test: $(INSTALLED) ## Run the tests
	$(TEST_ENVIRONMENT) $(BIN)/pytest --numprocesses auto --dist worksteal -m 'not slow and not slurm'

test-slow: $(INSTALLED) ## Run the tests that take minutes
	$(TEST_ENVIRONMENT) $(BIN)/pytest -m slow

test-slurm: $(INSTALLED) ## Run the tests on a real SLURM, which they install (as root, by apt) and start on this machine
	$(TEST_ENVIRONMENT) $(BIN)/pytest --numprocesses 2 --dist loadfile -m 'slurm and not slow' tests/slurm

bench-endpoint: $(INSTALLED) ## Calls a second of a teacher or judge behind an endpoint, beside a bare asyncio loop
	$(TEST_ENVIRONMENT) $(BIN)/python -m benchmarks.endpoint

bench: $(INSTALLED) ## Training and ranking on the CPU beside TRL and Hugging Face: a quarter of an hour
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.turns --out bench.json
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.ranking --size tiny --prompt 200 --sft-prompt 60 --sft-steps 150 --sft-rounds 2 --learning-rate 2e-3 --users 16 --out bench-ranking.json

bench-gpu: $(INSTALLED) ## The same for an 8B model on a GPU, with NF4 and float8: needs 80 GB and the extra `gpu`
	$(BIN)/python -m benchmarks.training --device gpu --size 8b --out bench-gpu.json --tasks \
	ceiling,occpred_sft,occpred_sft_fp8,trl_sft,trl_sft_other,hf_trainer,occpred_sft_nf4,trl_sft_nf4,occpred_dpo,occpred_dpo_fp8,trl_dpo
	$(BIN)/python -m benchmarks.ranking --size 8b --titles benchmarks/onet_titles.json --tokens-per-forward 60000 \
	--sft-prompt 300 --sft-rounds 4 --learning-rate 3e-4 --users 66 --peer-users 1 --out bench-ranking-gpu.json
	$(BIN)/python -m benchmarks.generation --size 8b --new-tokens 128 --out bench-generation-gpu.json

check: $(INSTALLED) ## Lint (ruff) and type-check (mypy)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED) ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(INSTALLED) ## Write the golden files of the tests anew; look at the difference before you commit it
	OCCPRED_GOLDEN=write $(TEST_ENVIRONMENT) $(BIN)/pytest -k golden

clean: ## Remove .venv, results and caches
	rm -rf .venv artifacts runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
