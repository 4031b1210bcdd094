package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {

    @Test
    void aCommitIsDirtyOnceOtherFilesThanResultsDiffer(@TempDir Path folder) throws Exception {
        Path results = Path.of("results");
        assertThat(Machine.commit(folder, results)).isEmpty();
        assumeThat(git(folder, "init", "-q")).isTrue();
        Files.createDirectory(folder.resolve(results));
        Files.writeString(folder.resolve("code"), "1");
        Files.writeString(folder.resolve(results).resolve("figures"), "1");
        assertThat(git(folder, "add", ".")).isTrue();
        assertThat(git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "a")).isTrue();
        assertThat(Machine.commit(folder, results)).get(STRING).matches("[0-9a-f]{12}");
        Files.writeString(folder.resolve(results).resolve("figures"), "2");
        assertThat(Machine.commit(folder, results)).get(STRING).matches("[0-9a-f]{12}");
        assertThat(Machine.commit(folder, folder.resolveSibling("elsewhere"))).get(STRING).endsWith("-dirty");
        Files.writeString(folder.resolve(results).resolve("figures"), "1");
        assertThat(Machine.commit(folder, folder.resolveSibling("elsewhere"))).get(STRING).matches("[0-9a-f]{12}");
        Files.writeString(folder.resolve("code"), "2");
        assertThat(Machine.commit(folder, results)).get(STRING).matches("[0-9a-f]{12}-dirty");
    }

    private static boolean git(Path folder, String... arguments) throws Exception {
        try {
            return new ProcessBuilder(Stream.concat(Stream.of("git"), Stream.of(arguments)).toList()).directory(folder.toFile())
                    .start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void generationsOfOneNameAreToldApart() {
        assertThat(Machine.cpu("""
                processor	: 0
                cpu family	: 26
                model		: 2
                model name	: AMD EPYC
                processor	: 1
                model name	: another
                """.lines())).isEqualTo("AMD EPYC, family 26 model 2");
        assertThat(Machine.cpu("model name	: Neoverse: V2\n\n".lines())).isEqualTo("Neoverse: V2");
        assertThat(Machine.cpu("Features : fp asimd".lines())).isEqualTo(System.getProperty("os.arch"));
    }
}
