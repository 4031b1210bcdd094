package dev.longspan.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code gpu-check} measures: everything, what fits half a minute, what a test on a CPU can wait for, or what the kernel for
 * compute capability 9.0 computes.
 */
enum Schedule {

    FULL, QUICK, TINY, HOPPER;

    /** Tokens of a batch, and heads times dimensions: as FlashAttention's reports have them. */
    private static final int TOKENS = 16384;
    private static final int HIDDEN = 2048;

    /** A problem of a family. */
    record Item(String family, String problem) {
        @Override
        public String toString() {
            return family + " " + problem;
        }
    }

    /** The most telling first. */
    List<Item> items() {
        return switch (this) {
            case TINY -> items("small-kernel 16", "attention causal 64x16x2x2 fwd bf16", "attention full 64x16x2x2 fwd+bwd",
                    "dilated-attention 2048 fwd", "cema 64 fwd", "timestep-norm 64x4x32").toList();
            case QUICK -> items("small-kernel 16", dense(true, TOKENS, 128, "fwd"), dense(true, TOKENS, 128, "fwd+bwd"),
                    dense(false, TOKENS, 128, "fwd"), "dilated-attention 131072 fwd bf16", "cema 65536 fwd",
                    "chunk-attention 16384 fwd bf16", "timestep-norm 2048x32x65536").toList();
            case HOPPER -> items(dense(true, TOKENS, 128, "fwd"), dense(false, TOKENS, 128, "fwd"),
                    dense(true, TOKENS, 64, "fwd"), dense(false, TOKENS, 64, "fwd"), "dilated-attention 131072 fwd bf16",
                    dense(true, 2048, 128, "fwd"), dense(false, 2048, 128, "fwd"), dense(true, 2048, 64, "fwd"),
                    dense(false, 2048, 64, "fwd")).toList();
            case FULL -> full();
        };
    }

    private static List<Item> full() {
        List<Item> items = new ArrayList<>(QUICK.items());
        items("dilated-attention 131072 fwd+bwd bf16", "dilated-attention 32768 fwd bf16", "dilated-attention 32768 fwd+bwd bf16",
                "dilated-attention 1048576 fwd bf16", "chunk-attention 16384 fwd+bwd bf16", "cema 65536 fwd+bwd",
                "cema 262144 fwd").forEach(items::add);
        for (String pass : List.of("fwd", "fwd+bwd")) {
            for (int dim : new int[] {128, 64}) {
                for (int tokens : new int[] {2048, TOKENS, 8192, 4096}) {
                    items(dense(true, tokens, dim, pass), dense(false, tokens, dim, pass)).filter(i -> !items.contains(i))
                            .forEach(items::add);
                }
            }
        }
        items("dilated-attention 1048576 fwd+bwd bf16", "dilated-attention 524288 fwd bf16").forEach(items::add);
        return items;
    }

    private static String dense(boolean causal, int tokens, int dim, String pass) {
        return "attention " + (causal ? "causal " : "full ") + tokens + "x" + dim + "x" + HIDDEN / dim + "x" + TOKENS / tokens + " "
                + pass + " bf16";
    }

    private static Stream<Item> items(String... lines) {
        return Stream.of(lines).map(line -> new Item(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' ') + 1)));
    }
}
