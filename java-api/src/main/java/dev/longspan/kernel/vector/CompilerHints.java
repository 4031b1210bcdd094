package dev.longspan.kernel.vector;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * Keeps HotSpot's first compiler (C1) away from the register tiles: it runs out of virtual registers on them, gives up,
 * and the method stays in the interpreter for ever (0.6 instead of 150 GFLOP/s). Keeps the second (C2) from inlining loops of
 * many operations into their callers: together they have more nodes than it inlines, and it boxes what is left. Has it inline
 * loads, and what gives one vector for others, also where it was compiled on its own before, into more code than it would
 * inline otherwise: each would box. Has it inline slices, whose class it then knows: otherwise a loop checks them at every access
 * and is not unrolled.
 */
final class CompilerHints {

    private static final String DIRECTIVES = """
            [{match: ["dev/longspan/kernel/vector/Tiles128.*", "dev/longspan/kernel/vector/Tiles256.*",
                      "dev/longspan/kernel/vector/Tiles512.*"],
              c1: {Exclude: true}, c2: {inline: ["+jdk/internal/foreign/AbstractMemorySegmentImpl.asSlice*"]}},
             {match: ["dev/longspan/kernel/vector/VectorOptimizer.adamW"],
              c1: {Exclude: true},
              c2: {inline: ["-dev/longspan/kernel/vector/VectorOptimizer.adamWLast", "+dev/longspan/kernel/vector/*.load",
                            "+dev/longspan/kernel/vector/Floats.range", "+dev/longspan/kernel/vector/Floats.memory",
                            "+jdk/internal/foreign/AbstractMemorySegmentImpl.asSlice*"]}},
             {match: ["dev/longspan/kernel/vector/ActivationLoops.*", "dev/longspan/kernel/vector/RowSums.*",
                      "dev/longspan/kernel/vector/RowSoftmax.*"],
              inline: ["+dev/longspan/kernel/vector/*.load", "+dev/longspan/kernel/vector/*.store",
                       "+dev/longspan/kernel/vector/VectorMath.*", "+dev/longspan/kernel/vector/Exp2.*",
                       "+dev/longspan/kernel/vector/Lanes.max", "+dev/longspan/kernel/vector/Lanes.sum",
                       "+dev/longspan/kernel/vector/Lanes.first", "+dev/longspan/kernel/vector/RowSoftmax.exponential",
                       "+dev/longspan/kernel/vector/Floats.range",
                       "+jdk/internal/foreign/AbstractMemorySegmentImpl.asSlice*", "-dev/longspan/kernel/vector/RowSums.addDots"]},
             {match: ["dev/longspan/kernel/vector/*.*", "dev/longspan/parallel/*.*"],
              inline: ["+dev/longspan/kernel/vector/*.load", "+dev/longspan/kernel/vector/Exp2.*",
                       "+dev/longspan/kernel/vector/Lanes.max", "+dev/longspan/kernel/vector/Lanes.half",
                       "+dev/longspan/kernel/vector/Lanes.sum", "+dev/longspan/kernel/vector/Lanes.*Widened", "+dev/longspan/kernel/vector/Lanes.even",
                       "+dev/longspan/kernel/vector/Lanes.odd", "+dev/longspan/kernel/vector/Lanes.last",
                       "+dev/longspan/kernel/vector/Lanes.first",
                       "+dev/longspan/kernel/vector/Dots.pairs", "-dev/longspan/kernel/vector/Dots.floats",
                       "-dev/longspan/kernel/vector/Dots.halves",
                       "+dev/longspan/kernel/vector/PairSums.by*", "-dev/longspan/kernel/vector/PairSums.sum",
                       "-dev/longspan/kernel/vector/Softmax.*", "-dev/longspan/kernel/vector/VectorOptimizer.adamW*",
                       "-dev/longspan/kernel/vector/ActivationLoops.*",
                       "-dev/longspan/kernel/vector/RowSums.*", "-dev/longspan/kernel/vector/RowSoftmax.*",
                       "-dev/longspan/kernel/vector/VectorActivation.*",
                       "-dev/longspan/kernel/vector/VectorElementwise.add*",
                       "-dev/longspan/kernel/vector/VectorElementwise.multiply", "-dev/longspan/kernel/vector/VectorNorm.add*"],
              c2: {inline: ["+dev/longspan/kernel/vector/Floats.range", "+dev/longspan/kernel/vector/Floats.memory",
                            "+dev/longspan/kernel/vector/RotaryTable$Walk.*",
                            "+jdk/internal/foreign/AbstractMemorySegmentImpl.asSlice*"]}}]
            """;

    private CompilerHints() {
    }

    /** Adds the directives, before the tiles run first; where that fails vectors are only slower, and the log says so. */
    static void add() {
        try {
            Path file = Files.createTempFile("longspan-directives", ".json");
            try {
                Files.writeString(file, DIRECTIVES);
                ManagementFactory.getPlatformMBeanServer().invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"), "compilerDirectivesAdd",
                        new Object[] {new String[] {file.toString()}}, new String[] {String[].class.getName()});
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException | JMException | RuntimeException e) {
            System.getLogger("dev.longspan.kernel.vector").log(System.Logger.Level.WARNING, "no compiler directives for HotSpot, so "
                    + "vector kernels may stay interpreted, which makes them a hundred times as slow: " + e);
        }
    }
}
