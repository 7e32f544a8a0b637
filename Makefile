# The two commands: `make demo` runs the main job, `make test` passes the tests.
# Both install what is missing on Debian and Ubuntu, as root or through sudo; elsewhere they say what to install.

RUN_PACKAGES  = build-essential pkg-config libtesseract-dev libleptonica-dev \
                tesseract-ocr-eng tesseract-ocr-swe tesseract-ocr-deu tesseract-ocr-fra tesseract-ocr-osd
TEST_PACKAGES = dovecot-imapd dovecot-submissiond opensmtpd postgresql chromium chromium-driver openssl

# Cyrus and Dovecot cannot be installed together: these are unpacked beside the system.
CYRUS_PACKAGES = cyrus-imapd cyrus-common sasl2-bin libsasl2-modules-db libxapian30 libpcre3 libical3

# A provider of OpenID Connect: installed, it would start a service.
GLEWLWYD_PACKAGES = glewlwyd dbconfig-no-thanks

# The folder with the evaluation data: score.py, and orders/dev with docs, truth, accounts.csv and catalogue.csv.
EVAL     ?= ../shared/eval
TRAINING  = $(sort $(wildcard fixtures/training/*.zip))
MODEL     = src/extract/confidence/model.json

.PHONY: demo build pictures test test-long lint packages test-packages train accuracy bench

demo: build
	target/release/mailroom demo $(DEMO_ARGS)

build: packages
	cargo build --release --locked

test: test-packages
	cargo test --locked

# What takes minutes: a thousand messages with twenty poisonous ones, two hundred kills, a service that never answers.
test-long: test-packages
	cargo test --locked --test it -- --ignored

# The pictures in the README, from the tests of the pages.
pictures: test-packages
	cargo test --locked --test it -- web:: flows::
	cp target/screenshots/draft.png fixtures/review.png
	cp target/screenshots/queue-true.png fixtures/tickets.png
	cp target/screenshots/search-true.png fixtures/search.png

lint: packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

packages:
	@.ci/install $(RUN_PACKAGES)

test-packages:
	@.ci/install $(RUN_PACKAGES) $(TEST_PACKAGES)
	@.ci/beside /var/tmp/mailroom-cyrus $(CYRUS_PACKAGES)
	@.ci/beside /var/tmp/mailroom-glewlwyd $(GLEWLWYD_PACKAGES)

# Learns the confidence of values anew: the same documents give the same bytes. fixtures/README.md says how sets are made.
train: build
	target/release/mailroom train $(TRAINING) --model $(MODEL)

# How much of the development documents is read right: blind, with what a site knows, and with confidence learnt from
# other layout families only.
accuracy: build
	@test -f $(EVAL)/score.py || { echo "No evaluation data in $(EVAL): say where with make accuracy EVAL=FOLDER."; exit 1; }
	@mkdir -p target/accuracy
	@echo "== words"
	@target/release/mailroom read --json $(EVAL)/orders/dev/docs/* > target/accuracy/words.jsonl
	@python3 $(EVAL)/tokens.py $(EVAL)/orders/dev target/accuracy/words.jsonl
	@echo "== blind"
	@target/release/mailroom extract --json $(EVAL)/orders/dev/docs/* > target/accuracy/blind.jsonl
	@python3 $(EVAL)/score.py $(EVAL)/orders/dev/truth target/accuracy/blind.jsonl
	@echo "== with accounts and catalogue"
	@target/release/mailroom extract --json --accounts $(EVAL)/orders/dev/accounts.csv \
		--catalogue $(EVAL)/orders/dev/catalogue.csv $(foreach name,$(SITE_NAMES),--site-name "$(name)") \
		$(EVAL)/orders/dev/docs/* > target/accuracy/known.jsonl
	@python3 $(EVAL)/score.py $(EVAL)/orders/dev/truth target/accuracy/known.jsonl
	@echo "== blind, each layout family left out of training"
	@target/release/mailroom train $(TRAINING) --held-out target/accuracy/held-out.jsonl
	@python3 $(EVAL)/score.py $(EVAL)/orders/dev/truth target/accuracy/held-out.jsonl
	@target/release/mailroom train $(TRAINING) --curve target/accuracy/curve
	@for n in 0 1 3; do echo "== after $$n confirmed documents of the layout"; \
		python3 $(EVAL)/score.py $(EVAL)/orders/dev/truth target/accuracy/curve/$$n.jsonl; done

# Speed and memory beside ocrmypdf, pdftotext and pdfplumber, in one run; says what to install for those.
bench: build
	@test -f $(EVAL)/tokens.py || { echo "No evaluation data in $(EVAL): say where with make bench EVAL=FOLDER."; exit 1; }
	@.ci/bench target/release/mailroom $(EVAL)
