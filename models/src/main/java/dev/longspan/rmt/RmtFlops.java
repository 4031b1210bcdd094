package dev.longspan.rmt;

import java.util.List;

/**
 * FLOPs of a forward pass as Hoffmann et al. count them (arXiv 2203.15556, appendix F), and by them full attention against RMT:
 * figure 3 of arXiv 2304.11062, whose 295 times for OPT-125M and 29 times for OPT-175B leave the embedding out.
 *
 * @param vocabulary V
 * @param layers L
 * @param width d, which is heads times their dimension
 * @param feedForward f
 * @param heads h
 */
public record RmtFlops(String name, long vocabulary, int layers, long width, long feedForward, int heads) {

    /** What {@link #forward} computes, s tokens long. */
    public static final String FORMULA = "L (6sd^2 + 2s^2 d + 3hs^2 + 2s^2 d + 2sd^2 + 4sdf) + 2sdV, with the embedding + 2sVd";

    /** Zhang et al., arXiv 2205.01068, table 1. */
    public static final List<RmtFlops> OPT = List.of(opt("125M", 12, 768, 12), opt("350M", 24, 1024, 16),
            opt("1.3B", 24, 2048, 32), opt("2.7B", 32, 2560, 32), opt("6.7B", 32, 4096, 32), opt("13B", 40, 5120, 40),
            opt("30B", 48, 7168, 56), opt("66B", 64, 9216, 72), opt("175B", 96, 12288, 96));

    public RmtFlops {
        if (vocabulary < 0 || layers <= 0 || width <= 0 || feedForward <= 0 || heads <= 0) {
            throw new IllegalArgumentException("layers, width, feedForward and heads must be positive: vocabulary=" + vocabulary
                    + ", layers=" + layers + ", width=" + width + ", feedForward=" + feedForward + ", heads=" + heads);
        }
    }

    private static RmtFlops opt(String size, int layers, long width, int heads) {
        return new RmtFlops("OPT-" + size, 50272, layers, width, 4 * width, heads);
    }

    /** The OPT model of that name, or the model {@code V/L/d/f/h}. */
    public static RmtFlops named(String name) {
        String[] sizes = name.split("/", -1);
        if (sizes.length == 5) {
            try {
                return new RmtFlops(name, Long.parseLong(sizes[0]), Integer.parseInt(sizes[1]), Long.parseLong(sizes[2]),
                        Long.parseLong(sizes[3]), Integer.parseInt(sizes[4]));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("sizes must be whole numbers V/L/d/f/h: preset=" + name, e);
            }
        }
        return OPT.stream().filter(model -> model.name.equals(name)).findFirst().orElseThrow(() ->
                new IllegalArgumentException("preset must be " + String.join(", ", OPT.stream().map(RmtFlops::name).toList())
                        + " or V/L/d/f/h: preset=" + name));
    }

    /** FLOPs of {@code tokens} tokens at once. */
    public double forward(double tokens, boolean withEmbedding) {
        double s = tokens;
        double d = width;
        double layer = 6 * s * d * d + 2 * s * s * d + 3 * heads * s * s + 2 * s * s * d + 2 * s * d * d
                + 4 * s * d * feedForward;
        return layers * layer + 2 * s * d * vocabulary * (withEmbedding ? 2 : 1);
    }

    /** FLOPs of {@code ⌈tokens / perSegment⌉} segments of {@code rows} rows. */
    public double recurrent(long tokens, long perSegment, long rows, boolean withEmbedding) {
        if (tokens <= 0 || perSegment <= 0 || rows < perSegment) {
            throw new IllegalArgumentException("a segment must have rows for its tokens: tokens=" + tokens + ", perSegment="
                    + perSegment + ", rows=" + rows);
        }
        return Math.ceilDiv(tokens, perSegment) * forward(rows, withEmbedding);
    }
}
