import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes the unrolled Vector API micro-kernels, those of {@link CemaKernels}, {@link SquareKernels} and
 * {@link DotKernels} too; run by the build:
 * {@code java MicroKernels.java OUTPUT_DIRECTORY}.
 *
 * <p>Each is a tile of ROWS x 2 vectors held in registers, {@code C[i][j] (+)= sum over k of A[i][k] B[k][j]}, on
 * scratch
 * arrays with literal strides: variable strides keep an address a row alive and spill them. A sum begins with zero, also where it is
 * added to what earlier calls left: its chain stays short. 24 accumulators fill the 32
 * registers of AVX-512, 12 the 16 of narrower x86; larger tiles spill, smaller ones leave the FMA units waiting.
 *
 * <p>The panels of B of a product lie in native memory. A slice of literal length, read in a loop of literal length,
 * is checked once: 258 GFLOP/s in the first cache on Zen 5, 243 with either as a variable, 247 from an array.
 */
final class MicroKernels {
    static final String PACKAGE = "dev.longspan.kernel.vector";

    /** Queries of a block of attention: a multiple of every tile's rows and columns. */
    private static final int BLOCK = 96;
    /** Columns of a slab. */
    private static final int SLAB = 64;
    private static final int VECTORS = 2;
    /** Terms of a chain: VectorGemm says why. */
    private static final int CHAIN = 64;

    /** What becomes of a whole sum: it is stored, added to what was there, or added to a multiple of that. */
    private enum End { STORE, ADD, SCALE }

    /**
     * {@code transposed}: A[k * lda + i], otherwise A[i * lda + k]. A stride of 0 stands for the tile's rows or
     * columns. {@code terms}: the sum's, as it is written.
     */
    private record Form(String name, String doc, boolean transposed, End end, int lda, int ldb, int ldc,
            String terms) {
        Form(String name, String doc, boolean transposed, End end, int lda, int ldb, int ldc) {
            this(name, doc, transposed, end, lda, ldb, ldc, "n");
        }

        /** On packed panels, B's in native memory: bo counts bytes. */
        static Form product(String name, String doc, End end, String terms) {
            return new Form(name, doc, true, end, 0, 0, 0, terms);
        }

        boolean isProduct() {
            return ldb == 0 && transposed;
        }

        boolean takesTerms() {
            return terms.equals("n");
        }
    }

    private static final List<Form> FORMS = List.of(
            Form.product("productStart", "C = A B on packed panels, a whole chain; bo in bytes.", End.STORE,
                    "" + CHAIN),
            Form.product("productAdded", "C += A B, as productStart.", End.ADD,
                    "" + CHAIN),
            Form.product("shortStart", "As productStart, of fewer terms.", End.STORE, "n"),
            Form.product("shortAdded", "As productAdded, of fewer terms.", End.ADD, "n"),
            new Form("scoreStart", "C = A B: A rows of a slab, B a packed panel, C rows of a score tile.", false,
                    End.STORE, SLAB, 0, BLOCK),
            new Form("scoreAdded", "C += A B, as scoreStart.", false, End.ADD, SLAB, 0, BLOCK),
            new Form("valueRescaled", "C = scale C + A' B: A' columns of a score tile, B and C slabs.", true,
                    End.SCALE, BLOCK, SLAB, SLAB),
            new Form("columnsTimes", "C += A' B: A' columns of a score tile, B and C slabs.", true, End.ADD, BLOCK,
                    SLAB, SLAB),
            new Form("rowsTimes", "C += A B: A rows of a score tile, B and C slabs.", false, End.ADD, BLOCK, SLAB,
                    SLAB));

    private MicroKernels() {}

    public static void main(String[] args) throws IOException {
        Path root = Path.of(args[0]);
        tile(root, 128, 6);
        tile(root, 256, 6);
        tile(root, 512, 12);
        write(root, "Tiles", tiles());
        CemaKernels.write(root);
        SquareKernels.write(root);
        DotKernels.write(root);
    }

    private static void tile(Path root, int bits, int rows) throws IOException {
        StringBuilder s = new StringBuilder();
        s.append("import java.lang.foreign.MemorySegment;\nimport jdk.incubator.vector.FloatVector;\n");
        s.append("import jdk.incubator.vector.Vector;\nimport jdk.incubator.vector.VectorSpecies;\n\n");
        s.append("/** Register tiles of ").append(rows).append(" x 2 vectors of ").append(bits).append(" bits. */\n");
        s.append("final class Tiles").append(bits).append(" {\n");
        s.append("    static final int ROWS = ").append(rows).append(";\n");
        s.append("    private static final VectorSpecies<Float> S = FloatVector.SPECIES_").append(bits).append(";\n");
        s.append("    /** A sum is cast to it: with vectors of another width in the process the compiler would call its methods, and box it. */\n");
        s.append("    private static final Class<? extends Vector<Float>> TYPE = S.vectorType();\n\n");
        s.append("    private Tiles").append(bits).append("() {}\n");
        for (Form form : FORMS) {
            kernel(s, form, bits / 32, rows);
        }
        write(root, "Tiles" + bits, s.append("}\n").toString());
    }

    private static void kernel(StringBuilder s, Form form, int lanes, int rows) {
        int lda = form.lda == 0 ? rows : form.lda;
        int ldb = form.ldb == 0 ? VECTORS * lanes : form.ldb;
        int ldc = form.ldc == 0 ? VECTORS * lanes : form.ldc;
        s.append("\n    /** ").append(form.doc).append(" */\n    static void ").append(parameters(form)).append(" {\n");
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < VECTORS; j++) {
                s.append("        FloatVector c%d_%d = FloatVector.zero(S);\n".formatted(i, j));
            }
        }
        boolean product = form.isProduct();
        if (product) {
            s.append("        MemorySegment panel = b.asSlice(bo, %s * %dL);\n".formatted(form.terms, ldb * 4));
        }
        s.append("        for (int k = 0, pa = ao%s; k < %s; k++, pa += %d%s) {\n".formatted(product ? "" : ", pb = bo",
                form.terms, form.transposed ? lda : 1, product ? "" : ", pb += " + ldb));
        for (int j = 0; j < VECTORS; j++) {
            s.append("            FloatVector b%d = FloatVector.%s;\n".formatted(j, product
                    ? "fromMemorySegment(S, panel, k * %dL + %d, Lanes.ORDER)".formatted(ldb * 4, j * lanes * 4)
                    : "fromArray(S, b, pb + %d)".formatted(j * lanes)));
        }
        s.append("            FloatVector x;\n");
        for (int i = 0; i < rows; i++) {
            s.append("            x = FloatVector.broadcast(S, a[pa + %d]);\n".formatted(form.transposed ? i
                    : i * lda));
            for (int j = 0; j < VECTORS; j++) {
                s.append("            c%1$d_%2$d = x.fma(b%2$d, c%1$d_%2$d);\n".formatted(i, j));
            }
        }
        s.append("        }\n");
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < VECTORS; j++) {
                String sum = "((FloatVector) TYPE.cast(c%d_%d))".formatted(i, j);
                int at = i * ldc + j * lanes;
                String before = "FloatVector.fromArray(S, c, co + %d)".formatted(at);
                s.append("        %s.intoArray(c, co + %d);\n".formatted(switch (form.end) {
                    case STORE -> sum;
                    case ADD -> before + ".add(" + sum + ")";
                    case SCALE -> before + ".fma(FloatVector.broadcast(S, scale[so + %d]), %s)".formatted(i, sum);
                }, at));
            }
        }
        s.append("    }\n");
    }

    private static String parameters(Form form) {
        return form.name + (form.takesTerms() ? "(int n, " : "(") + "float[] a, int ao, "
                + (form.isProduct() ? "MemorySegment b, long bo" : "float[] b, int bo") + ", float[] c, int co"
                + (form.end == End.SCALE ? ", float[] scale, int so)" : ")");
    }

    /** The tile of the chosen width; the conditions are constants to the compiler. */
    private static String tiles() {
        StringBuilder s = new StringBuilder();
        s.append("import java.lang.foreign.MemorySegment;\n\n");
        s.append("/** The register tiles of the chosen vector width. n counts the terms of each sum; ao, bo, co are offsets. */\n");
        s.append("final class Tiles {\n");
        s.append("    /** Rows of a tile. */\n    static final int ROWS = Lanes.BITS == 512 ? Tiles512.ROWS"
                + " : Lanes.BITS == 256 ? Tiles256.ROWS : Tiles128.ROWS;\n");
        s.append("    /** Columns of a tile. */\n    static final int COLS = ").append(VECTORS).append(" * Lanes.LANES;\n");
        s.append("    /** Queries of a score tile's row: its row stride. */\n    static final int BLOCK = ").append(BLOCK).append(";\n");
        s.append("    /** Columns of a slab: its row stride. */\n    static final int SLAB = ").append(SLAB).append(";\n");
        s.append("    /** Terms of a whole chain of a product. */\n");
        s.append("    static final int CHAIN = ").append(CHAIN).append(";\n\n");
        s.append("    private Tiles() {}\n");
        for (Form form : FORMS) {
            String arguments = (form.takesTerms() ? "(n, " : "(") + "a, ao, b, bo, c, co"
                    + (form.end == End.SCALE ? ", scale, so);\n" : ");\n");
            s.append("\n    /** ").append(form.doc).append(" */\n    static void ").append(parameters(form)).append(" {\n");
            s.append("        if (Lanes.BITS == 512) {\n            Tiles512.").append(form.name).append(arguments);
            s.append("        } else if (Lanes.BITS == 256) {\n            Tiles256.").append(form.name).append(arguments);
            s.append("        } else {\n            Tiles128.").append(form.name).append(arguments).append("        }\n    }\n");
        }
        return s.append("}\n").toString();
    }

    static void write(Path root, String name, String body) throws IOException {
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
