# The two commands: `make demo` runs the main job, `make test` passes the tests.
# Both install what is missing on Debian and Ubuntu, as root or through sudo; elsewhere they say what to install.

RUN_PACKAGES  = build-essential pkg-config libtesseract-dev libleptonica-dev \
                tesseract-ocr-eng tesseract-ocr-swe tesseract-ocr-deu tesseract-ocr-fra tesseract-ocr-osd
TEST_PACKAGES = dovecot-imapd dovecot-submissiond opensmtpd postgresql chromium chromium-driver openssl

.PHONY: demo build test lint packages test-packages

demo: build
	target/release/mailroom demo $(DEMO_ARGS)

build: packages
	cargo build --release --locked

test: test-packages
	cargo test --locked

lint: packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

packages:
	@.ci/install $(RUN_PACKAGES)

test-packages:
	@.ci/install $(RUN_PACKAGES) $(TEST_PACKAGES)
