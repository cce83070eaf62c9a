.PHONY: help demo demo-offline test lint sanitize bench clean

help:
	@echo 'make demo          fine-tune a pretrained BERT on real reviews, judge it, ask it   (TEXTS="..." to choose)'
	@echo 'make demo-offline  the same with a small BERT from scratch on the built-in sample'
	@echo 'make test          the whole test suite in release mode'
	@echo 'make lint          check the formatting'
	@echo 'make sanitize      the suite under the address, undefined-behaviour and thread sanitizers'
	@echo 'make bench         build the benchmarks and list or run them                       (CASES="gemm ...")'
	@echo 'make clean         remove everything that was built'

demo:
	@Scripts/demo $(TEXTS)

demo-offline:
	@Scripts/demo --offline $(TEXTS)

test:
	@Scripts/test

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Examples/Package.swift Examples/Sources \
	    Benchmarks/Package.swift Benchmarks/Sources

sanitize:
	@Scripts/sanitize

bench:
	@Scripts/bootstrap
	swift build -c release --package-path Benchmarks
	@Benchmarks/.build/release/bench $(if $(CASES),run $(CASES),list)

clean:
	rm -rf .build .build-* Examples/.build Benchmarks/.build
