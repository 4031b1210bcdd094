package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReadmeTest {

    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern EXPECTED = Pattern.compile("// (F32\\[.*])");

    @TempDir
    private Path folder;

    @Test
    void theJavaOfTheReadmeCompilesAndPrintsWhatItSays() throws Exception {
        Matcher java = JAVA.matcher(Files.readString(Path.of("..", "README.md")));
        assertThat(java.find()).as("README.md has a Java block").isTrue();
        do {
            Path source = Files.writeString(folder.resolve("Readme.java"), java.group(1));
            Matcher expected = EXPECTED.matcher(java.group(1));
            assertThat(expected.find()).isTrue();
            ChildJvm jvm = ChildJvm.java(List.of("--add-modules", "jdk.incubator.vector,dev.longspan.models",
                    "-p", PackagingTest.runtimePath(), source.toString()));
            assertThat(jvm.status()).as(jvm.err()).isZero();
            assertThat(jvm.out().strip()).isEqualTo(expected.group(1));
        } while (java.find());
    }
}
