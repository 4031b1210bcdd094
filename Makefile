.DEFAULT_GOAL := help
.PHONY: help build test native bindings bindings-check test-asan test-tsan run dist train-rmt bench jmh peers benchmarks \
	report-check gpu-bundle javadoc clean

# .ci/jdk finds a JDK >= 25 or says what to install. Maven 3.8 itself uses sun.misc.Unsafe and jansi's native code.
mvn = JAVA_HOME="$$(.ci/jdk)" && export JAVA_HOME && \
	MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED $$MAVEN_OPTS" \
	mvn -Dstyle.color=never
# -q would hide the warning that made -Werror fail.
quiet = -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
longspan = models/target/longspan
CC = gcc
# Where cmake and a C++ compiler are missing the native library is left out, and everything else is built and tested.
native = $(shell command -v cmake >/dev/null && command -v g++ >/dev/null && echo -Pnative \
	|| echo "native library skipped: it needs cmake and g++" >&2)
asan = native/target/asan
tsan = native/target/tsan
peers = jmh/target/libpeers.so
empty =
space = $(empty) $(empty)
# PYTHON=... names the python3 that has torch.
PYTHON =
# OpenBLAS 0.3.19 takes younger CPUs for a Pentium 4 and runs at a fifth of its speed.
java-bench = $(shell grep -q avx512f /proc/cpuinfo 2>/dev/null && echo OPENBLAS_CORETYPE=SkylakeX) "$$(.ci/jdk)/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Djava.awt.headless=true \
	-Dlongspan.peers=$(peers) -Dlongspan.peers.jvm=$(subst $(space),:,$(patsubst %/pom.xml,%/target,$(wildcard jmh/peers/*/pom.xml))) \
	-Dlongspan.python="$(PYTHON)" -Dlongspan.cc="$$($(CC) --version 2>/dev/null | head -1)" -cp "jmh/target/classes:jmh/target/lib/*"

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile everything and make the jars, without tests
	@$(mvn) $(native) $(quiet) package -DskipTests

test: ## everything CI runs: compile with all checks, all tests
	@$(mvn) $(native) verify

native: ## build the C++ kernels, and the CUDA kernels where there is nvcc, into native/target and run their own tests
	@native/build native/target
	@cmake --build native/target/cmake --parallel 2 -- --no-print-directory -s
	@ctest --test-dir native/target/cmake --output-on-failure --parallel 2
	@if .ci/nvcc >/dev/null 2>&1; then native/build-cuda native/target && ctest --test-dir native/target/cuda -R spills --output-on-failure; \
	else echo "CUDA kernels skipped: no nvcc on the PATH or in /usr/local/cuda"; fi

bindings: ## write what jextract makes of the C headers (bindings/README.md); jextract from the PATH or $$JEXTRACT
	@bindings/regenerate bindings/src/main/generated

bindings-check: ## the committed bindings are those that jextract would write; skipped where there is none
	@if command -v "$${JEXTRACT:-jextract}" >/dev/null; then \
		rm -rf bindings/target/check && bindings/regenerate bindings/target/check && \
		for package in $$(cd bindings/target/check/dev/longspan/bindings && ls); do \
			diff -r bindings/target/check/dev/longspan/bindings/$$package \
				bindings/src/main/generated/dev/longspan/bindings/$$package || exit 1; \
			echo "the bindings in $$package are those of its header"; \
		done; \
	else echo "bindings-check skipped: no jextract on the PATH or in JEXTRACT"; fi

test-asan: ## C++ tests and the Java suite under AddressSanitizer and UBSan, slack behind tensors poisoned; ARGS="-Dtest=Host*Test" goes to Maven
	@cmake -S native -B $(asan) -DLS_SANITIZE=address,undefined >/dev/null && cmake --build $(asan) --parallel 2
	@ASAN_OPTIONS=detect_leaks=0 ctest --test-dir $(asan) --output-on-failure
	@export LD_PRELOAD="$$(g++ -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0:handle_segv=0:exitcode=99; \
		$(mvn) test -Dsurefire.failIfNoSpecifiedTests=false -Dlongspan.native="$(CURDIR)/$(asan)/liblongspan.so" \
		-Dlongspan.asan=true $(ARGS)

test-tsan: ## work ranges of a kernel on several threads under ThreadSanitizer
	@cmake -S native -B $(tsan) -DLS_SANITIZE=thread >/dev/null && cmake --build $(tsan) --parallel 2 --target threads_test
	@$(tsan)/test/threads_test

run: dist ## the main job: check, measure, train; leaves out/report.html. ARGS="--data DIR" goes to longspan run
	@$(longspan)/bin/longspan run $(ARGS)

dist: ## build the launcher models/target/longspan/bin/longspan
	@rm -rf $(longspan) models/target/longspan-models-*.jar
	@$(mvn) $(native) $(quiet) package -DskipTests -Pdist
	@mkdir -p $(longspan)/bin $(longspan)/libexec
	@cp models/target/longspan-models-*.jar $(longspan)/lib
	@install -m 755 models/src/main/launcher/longspan $(longspan)/bin/longspan
	@install -m 755 .ci/jdk $(longspan)/libexec/jdk
	@cp -r models/src/test/resources/goldens $(longspan)
	@cp LICENSE $(longspan)
	@echo $(longspan)/bin/longspan

train-rmt: dist ## train the memory tasks of the RMT paper and measure them, into out/rmt; ARGS="--max-steps 500" goes to each training
	@for task in memorize detect reasoning; do \
		run=out/rmt/$$task && \
		$(longspan)/bin/longspan recall train --task $$task --out $$run $(ARGS) && \
		$(longspan)/bin/longspan recall matrix $$run --documents 128 --format json > $$run/figure5.json && \
		$(longspan)/bin/longspan recall eval $$run --most-segments 16384 --format json > $$run/figure1.json || exit 1; \
	done

bench: benchmarks ## kernels and models beside their peers, in turns, into jmh/results; ARGS="attention --threads 1,2" names families
	@$(java-bench) dev.longspan.jmh.Bench jmh/results $(ARGS)

jmh: benchmarks ## the same under JMH, a JVM each; ARGS="GemmBenchmark -p side=vector,PyTorch" goes to JMH
	@$(java-bench) org.openjdk.jmh.Main $(ARGS)

peers: benchmarks ## fetch and build the peers on the JVM; bench lists those that are not there as absent
	@$(mvn) $(native) $(quiet) package -DskipTests -Dmaven.test.skip -Ppeers --fail-at-end || echo "not every peer could be built"

benchmarks:
	@$(mvn) $(native) $(quiet) package -DskipTests -Dmaven.test.skip
	@if command -v $(CC) >/dev/null; then $(CC) -O3 -march=native -shared -fPIC -o $(peers) jmh/src/main/c/*.c -lm; \
		else rm -f $(peers); fi

gpu-bundle: ## put all that a GPU machine with nothing but a driver needs to check and measure into jmh/target/gpu-bundle
	@.ci/nvcc >/dev/null
	@native/build-cuda native/target
	@$(mvn) $(native) $(quiet) package -DskipTests -Pgpu-bundle
	@jmh/gpu-bundle jmh/target/gpu-bundle "$$(.ci/jdk)"

report-check: ## open out/report.html in headless Chromium; leaves out/report.png
	@models/src/test/sh/report-check out/report.html out/report.png

javadoc: ## build the Javadoc and source jars of every module
	@$(mvn) $(quiet) package -DskipTests -Pjavadoc
	@ls */target/*-javadoc.jar */target/*-sources.jar

clean: ## delete what the build made
	@$(mvn) $(quiet) clean
