package dev.longspan.kernel.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What C2 makes of the register tiles, read from the machine code that it prints. */
@OnThisCpu
final class SpillTest {

    private static final List<String> TILES = List.of("productStart", "productAdded", "shortStart", "shortAdded",
            "scoreStart", "scoreAdded", "valueRescaled", "columnsTimes", "rowsTimes");

    @TempDir
    private Path folder;

    @Test
    void sumsOfATileStayInRegistersWhileTermsAreAdded() throws IOException, InterruptedException {
        Assumptions.assumeTrue(System.getProperty("os.arch").equals("amd64"), "reads x86-64 only");
        Assumptions.assumeTrue(runs("objdump", "--version"), "no objdump on the PATH");
        String tiles = "dev.longspan.kernel.vector.Tiles" + Lanes.BITS + "::";
        Map<String, List<MachineLoops.Loop>> compiled = MachineLoops.of(printed(tiles), folder);
        for (String tile : TILES) {
            List<MachineLoops.Loop> loops = compiled.getOrDefault(tiles + tile, List.of());
            assertThat(loops).as("loops of multiply-adds in %s", tile).isNotEmpty();
            assertThat(loops).as("loops of %s", tile).allSatisfy(loop -> {
                assertThat(loop.multiplyAdds()).as("multiply-adds").isGreaterThanOrEqualTo(2L * Tiles.ROWS);
                assertThat(loop.spills()).as("of %d multiply-adds", loop.multiplyAdds()).isEmpty();
            });
        }
    }

    /** What a JVM prints that compiles the tiles. */
    private List<String> printed(String tiles) throws IOException, InterruptedException {
        Path output = folder.resolve("printed");
        Process java = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules", "jdk.incubator.vector", "-Xbatch", "-XX:+UnlockDiagnosticVMOptions",
                "-XX:CompileCommand=print," + tiles + "*", "-D" + VectorWidth.PROPERTY + "=" + Lanes.BITS, "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                TileRuns.class.getName()).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertThat(java.waitFor()).as("exit status of the tiles' JVM").isZero();
        return Files.readAllLines(output);
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException absent) {
            return false;
        }
    }
}
