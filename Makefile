# The two commands a newcomer needs: `make run` and `make test`.

CARGO ?= cargo

.PHONY: run test check fmt schema bench soak audit

## Build, start the embedded database under ./data, migrate, seed the demo once, and serve.
run:
	@echo "Building Kontor (the first time takes some minutes) …"
	@$(CARGO) build --quiet
	@KONTOR_LOG_FORMAT=$${KONTOR_LOG_FORMAT:-text} KONTOR_LOG=$${KONTOR_LOG:-warn} exec ./target/debug/kontor serve --demo

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
	PROPTEST_CASES=20000 $(CARGO) test --workspace --lib --tests

## Our executor beside the library's; requests and CPU per request beside a bare handler; what of it goes to
## the guard; what an attack on the sign-in does to others.
bench:
	$(CARGO) bench --bench executor --bench requests --bench guard --bench attack

## Known holes in what we depend on.
audit:
	$(CARGO) audit --version >/dev/null 2>&1 || $(CARGO) install cargo-audit --locked
	$(CARGO) audit
	@for lock in $$(git ls-files '*package-lock.json'); do (cd $$(dirname $$lock) && npm audit) || exit 1; done
