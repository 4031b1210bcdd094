package dev.longspan.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What held-out text costs a model.
 *
 * @param context bytes read at once
 * @param positions by position: 0 to 1K, 1K to 4K, then by doublings; a model that uses its context costs less and less
 * @param cut the shorter context of the comparison
 * @param beyondCut bytes at positions from {@code cut} on; 0 where there are none
 * @param bitsBeyondCut what those bytes cost with the whole context
 * @param bitsWhenCut what the same bytes cost when the model sees only the {@code cut / 2} to {@code cut} bytes before each
 */
public record HeldOutBits(long context, List<PositionBits> positions, long cut, long beyondCut, double bitsBeyondCut,
        double bitsWhenCut) {

    public HeldOutBits {
        positions = List.copyOf(positions);
    }

    public long bytes() {
        return positions.stream().mapToLong(PositionBits::bytes).sum();
    }

    /** Over all positions. */
    public double bitsPerByte() {
        return positions.stream().mapToDouble(PositionBits::bits).sum() / bytes();
    }

    /** Bits per byte that the context beyond {@code cut} saves; NaN where no byte lies there. */
    public double gain() {
        return (bitsWhenCut - bitsBeyondCut) / beyondCut;
    }

    /** By name, for reports. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("context", context);
        map.put("bytes", bytes());
        map.put("bpb", bitsPerByte());
        map.put("positions", positions.stream().map(PositionBits::toMap).toList());
        map.put("cut", cut);
        map.put("bytes_beyond_cut", beyondCut);
        map.put("bpb_beyond_cut", bitsBeyondCut / beyondCut);
        map.put("bpb_beyond_cut_when_cut", bitsWhenCut / beyondCut);
        map.put("gain_bpb", gain());
        return map;
    }
}
