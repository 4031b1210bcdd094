package dev.longspan.megalodon;

import dev.longspan.longnet.Bench;

/** Models small enough for float64 loops. */
final class Megalodons {

    private Megalodons() {
    }

    /** Width 12 in 3 groups, two heads of 4 and 5, three modes, chunks of 5: nothing divides anything. */
    static MegalodonConfig awkward() {
        return new MegalodonConfig(Bench.VOCABULARY, Bench.VOCABULARY, 12, 2, 2, 8, 10, 14, true, 3, 5, 3, true, 1e-5, 10000,
                MegalodonConfig.Parts.MEGALODON, false, false, false, MegalodonConfig.Dropouts.NONE,
                MegalodonConfig.LinearInit.HE);
    }
}
