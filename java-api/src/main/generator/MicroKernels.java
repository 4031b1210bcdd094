import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes the unrolled Vector API micro-kernels; run by the build: {@code java MicroKernels.java OUTPUT_DIRECTORY}. */
final class MicroKernels {
    private static final String PACKAGE = "dev.longspan.kernel.vector";

    private MicroKernels() {}

    public static void main(String[] args) throws IOException {
        write(Path.of(args[0]), "MicroKernelTile", """
                final class MicroKernelTile {
                    static final int ROWS = 6;

                    private MicroKernelTile() {}
                }
                """);
    }

    private static void write(Path root, String name, String body) throws IOException {
        Path file = root.resolve(PACKAGE.replace('.', '/')).resolve(name + ".java");
        String source = "package " + PACKAGE + ";\n\n" + body;
        // An unchanged file keeps its time stamp, so that the module is not compiled again.
        if (Files.exists(file) && Files.readString(file).equals(source)) {
            return;
        }
        Files.createDirectories(file.getParent());
        Files.writeString(file, source);
    }
}
