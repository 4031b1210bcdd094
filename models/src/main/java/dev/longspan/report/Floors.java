package dev.longspan.report;

import dev.longspan.text.Corpus;
import dev.longspan.text.Document;
import dev.longspan.text.Passage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.Deflater;

/**
 * What held-out text costs simple compressors, in bits per byte.
 *
 * @param order0 byte frequencies of the training text
 * @param order1 the same, given the byte before
 * @param deflate zlib, level 9, each passage alone
 */
record Floors(double order0, double order1, double deflate) {

    private static final int BYTES = 256;

    static Floors of(Corpus corpus, List<Passage> heldOut) {
        long[] single = new long[BYTES];
        long[] pairs = new long[BYTES * BYTES];
        for (Document document : corpus.train()) {
            int before = 0;
            for (byte b : document.text()) {
                int next = Byte.toUnsignedInt(b);
                single[next]++;
                pairs[before * BYTES + next]++;
                before = next;
            }
        }
        double[] bits0 = bits(single);
        double[] bits1 = bits(pairs);
        double order0 = 0;
        double order1 = 0;
        double deflated = 0;
        long bytes = 0;
        for (Passage passage : heldOut) {
            byte[] text = passage.document().text();
            for (int i = passage.from(); i < passage.to(); i++) {
                int before = i == 0 ? 0 : Byte.toUnsignedInt(text[i - 1]);
                order0 += bits0[Byte.toUnsignedInt(text[i])];
                order1 += bits1[before * BYTES + Byte.toUnsignedInt(text[i])];
            }
            deflated += 8.0 * deflated(text, passage.from(), passage.length());
            bytes += passage.length();
        }
        return new Floors(order0 / bytes, order1 / bytes, deflated / bytes);
    }

    /** {@code −log₂ P(next | before)} from counts in rows of 256, with one more of each so that none is impossible. */
    private static double[] bits(long[] counts) {
        double[] bits = new double[counts.length];
        for (int row = 0; row < counts.length; row += BYTES) {
            long total = BYTES;
            for (int i = row; i < row + BYTES; i++) {
                total += counts[i];
            }
            for (int i = row; i < row + BYTES; i++) {
                bits[i] = Math.log((double) total / (counts[i] + 1)) / Math.log(2);
            }
        }
        return bits;
    }

    private static long deflated(byte[] text, int from, int length) {
        try (Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION, true)) {
            deflater.setInput(text, from, length);
            deflater.finish();
            byte[] out = new byte[8192];
            while (!deflater.finished()) {
                deflater.deflate(out);
            }
            return deflater.getBytesWritten();
        }
    }

    Map<String, Object> figures() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("order0", order0);
        figures.put("order1", order1);
        figures.put("deflate", deflate);
        return figures;
    }
}
