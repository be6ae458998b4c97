# The two commands a newcomer needs: `make run` and `make test`.

CARGO ?= cargo

.PHONY: run test check fmt schema bench soak audit playground

## Build, start the embedded database under ./data, migrate, seed the demo once, and serve.
run:
	@$(MAKE) --no-print-directory playground || echo "The playground could not be built; Kontor runs without it."
	@echo "Building Kontor (the first time takes some minutes) …"
	@$(CARGO) build --quiet
	@KONTOR_LOG_FORMAT=$${KONTOR_LOG_FORMAT:-text} KONTOR_LOG=$${KONTOR_LOG:-warn} exec ./target/debug/kontor serve --demo

## What /playground shows, built with npm when it is there and something has changed.
NODE_FITS := const [a, b] = process.versions.node.split('.'); process.exit(+(a * 100 + +b < 2019))
INPUTS := $(shell find playground -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/tests/*')

playground:
	@if command -v npm >/dev/null && node -e "$(NODE_FITS)"; then \
	  $(MAKE) --no-print-directory playground/dist/index.html; \
	else echo "The playground is not built: that takes npm, and Node 20.19 or newer."; fi

playground/dist/index.html: playground/node_modules/.package-lock.json $(INPUTS)
	@echo "Building the playground …"
	@cd playground && npm run build --silent -- --logLevel warn
	@touch $@

playground/node_modules/.package-lock.json: playground/package-lock.json
	@cd playground && npm ci --silent
	@touch $@

## Everything that must hold: formatting, lints, tests, drift.
test: check
	$(CARGO) test --package kontor-executor --package kontor-executor-macros --tests --lib
	$(CARGO) test --package kontor --lib
	$(CARGO) test --package kontor --test api

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings

fmt:
	$(CARGO) fmt --all

## Write anew what is generated and committed: schema.graphql, src/schema.rs, docs/permissions.md, tests/api/access.txt.
schema:
	UPDATE=1 $(CARGO) test --test api -- drift:: access::every_field access::the_permission

## The long forms of the tests.
soak:
	SOAK=1 PROPTEST_CASES=20000 $(CARGO) test --workspace --lib --tests

## Our executor beside the library's; requests and CPU per request beside a bare handler; what of it goes to
## the guard; what idle subscriptions take, and how soon they tell; what an attack on the sign-in does to others.
bench:
	$(CARGO) bench --bench executor --bench requests --bench guard --bench subscriptions --bench attack

## Known holes in what we depend on.
audit:
	$(CARGO) audit --version >/dev/null 2>&1 || $(CARGO) install cargo-audit --locked
	$(CARGO) audit
	@for lock in $$(git ls-files '*package-lock.json'); do (cd $$(dirname $$lock) && npm audit) || exit 1; done
