.DEFAULT_GOAL := help
.PHONY: help build test run dist bench javadoc clean

# .ci/jdk finds a JDK >= 25 or says what to install. Maven 3.8 itself uses sun.misc.Unsafe and jansi's native code.
mvn = JAVA_HOME="$$(.ci/jdk)" && export JAVA_HOME && \
	MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED $$MAVEN_OPTS" \
	mvn -Dstyle.color=never
# -q would hide the warning that made -Werror fail.
quiet = -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
longspan = models/target/longspan

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile everything and make the jars, without tests
	@$(mvn) $(quiet) package -DskipTests

test: ## everything CI runs: compile with all checks, all tests
	@$(mvn) verify

run: dist ## build the launcher and run the demo
	@$(longspan)/bin/longspan run

dist: ## build the launcher models/target/longspan/bin/longspan
	@rm -rf $(longspan) models/target/longspan-models-*.jar
	@$(mvn) $(quiet) package -DskipTests -Pdist
	@mkdir -p $(longspan)/bin $(longspan)/libexec
	@cp models/target/longspan-models-*.jar $(longspan)/lib
	@install -m 755 models/src/main/launcher/longspan $(longspan)/bin/longspan
	@install -m 755 .ci/jdk $(longspan)/libexec/jdk
	@cp LICENSE $(longspan)
	@echo $(longspan)/bin/longspan

bench: ## run the JMH benchmarks; ARGS="Attention -f 1" chooses
	@$(mvn) $(quiet) package -DskipTests -pl jmh -am
	@"$$(.ci/jdk)/bin/java" -jar jmh/target/benchmarks.jar $(ARGS)

javadoc: ## build the Javadoc and source jars of every module
	@$(mvn) $(quiet) package -DskipTests -Pjavadoc
	@ls */target/*-javadoc.jar */target/*-sources.jar

clean: ## delete what the build made
	@$(mvn) $(quiet) clean
