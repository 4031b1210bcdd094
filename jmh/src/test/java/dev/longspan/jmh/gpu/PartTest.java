package dev.longspan.jmh.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartTest {

    @TempDir
    Path folder;

    private Part.Outcome run(double seconds, double left, boolean isOptional, String script) throws Exception {
        return new Part("part", List.of("sh", "-c", script), seconds, line -> line.contains("not supported"), isOptional)
                .run(left, folder.resolve("log"));
    }

    @Test
    void theLastLineTellsWhatCameOfIt() throws Exception {
        Part.Outcome outcome = run(60, 60, false, "echo first; echo 7 passed; echo");
        assertThat(outcome.status()).isEqualTo(Part.Status.PASSED);
        assertThat(outcome.detail()).isEqualTo("7 passed");
        assertThat(run(60, 60, false, "echo error >&2; echo '    at frame'; exit 3").detail()).isEqualTo("exit 3: error");
        assertThat(Files.readString(folder.resolve("log"))).contains("== part: sh -c echo first", "first\n7 passed", "\nerror\n");
    }

    @Test
    void whatCannotRunHereIsSkippedWithTheReason() throws Exception {
        Part.Outcome outcome = run(60, 60, false, "echo '== Device not supported'; echo 1 error; exit 1");
        assertThat(outcome.status()).isEqualTo(Part.Status.SKIPPED);
        assertThat(outcome.detail()).isEqualTo("== Device not supported");
        assertThat(run(60, 60, false, "echo not supported here; echo 0 errors").status()).as("never green").isEqualTo(Part.Status.SKIPPED);
    }

    @Test
    void whatTakesTooLongIsStoppedWithAllThatItStarted() throws Exception {
        Part.Outcome outcome = run(0.5, 60, false, "sleep 60 & echo begun $!; wait");
        assertThat(outcome.status()).isEqualTo(Part.Status.FAILED);
        assertThat(outcome.detail()).startsWith("stopped after ").contains("last: begun ");
        assertThat(outcome.seconds()).isLessThan(30);
        long begun = Long.parseLong(outcome.detail().replaceFirst(".* ", ""));
        // One that nobody has waited for yet has an id, but no command.
        assertThat(ProcessHandle.of(begun).flatMap(process -> process.info().command())).isEmpty();
        assertThat(run(0.3, 60, true, "sleep 60").status()).isEqualTo(Part.Status.SKIPPED);
    }

    @Test
    void nothingIsBegunWithoutTime() throws Exception {
        Part.Outcome outcome = run(60, 1, false, "echo ran");
        assertThat(outcome.status()).isEqualTo(Part.Status.SKIPPED);
        assertThat(outcome.detail()).isEqualTo("no time left");
        assertThat(folder.resolve("log")).doesNotExist();
    }

    @Test
    void aPartWithoutTimeIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Part.of("part", 0, List.of("true")))
                .withMessageContaining("seconds=0");
    }
}
