package dev.longspan.train;

import java.util.LinkedHashMap;
import java.util.Map;

/** Bits that held-out bytes cost at positions {@code from} (inclusive) to {@code to} of what the model reads at once. */
public record PositionBits(long from, long to, long bytes, double bits) {

    public double bitsPerByte() {
        return bits / bytes;
    }

    /** By name, for reports. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("from", from);
        map.put("to", to);
        map.put("bytes", bytes);
        map.put("bpb", bitsPerByte());
        return map;
    }
}
