package dev.longspan.recall;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * {@code Σ p} over the columns of each part, the mean over the rows that look: how much the memory and [CLS] attend to facts, to
 * the memory itself and to the rest of a segment. The parts of each sum to 1. Figure 6 of arXiv 2304.11062 in numbers: a memory
 * that looks at facts detects and writes, one that looks at itself retains, a [CLS] that looks at the memory answers.
 *
 * @param uniform what a row would give that looks at all rows alike
 * @param memory what the memory's rows give
 * @param cls what [CLS] gives
 */
public record AttentionMass(Map<RowPart, Double> uniform, Map<RowPart, Double> memory, Map<RowPart, Double> cls) {

    public AttentionMass {
        uniform = Map.copyOf(uniform);
        memory = Map.copyOf(memory);
        cls = Map.copyOf(cls);
    }

    /**
     * Sums a map's columns.
     *
     * @param map probabilities [query][key]
     * @param parts of the rows, [CLS] first
     */
    public static AttentionMass of(double[][] map, List<RowPart> parts) {
        if (map.length != parts.size()) {
            throw new IllegalArgumentException("every row must be a part: rows=" + map.length + ", parts=" + parts.size());
        }
        double[] alike = new double[map.length];
        Arrays.fill(alike, 1.0 / map.length);
        return new AttentionMass(sums(List.of(alike), parts), sums(rows(map, row -> parts.get(row) == RowPart.MEMORY), parts),
                sums(rows(map, row -> row == 0), parts));
    }

    private static List<double[]> rows(double[][] map, IntPredicate chosen) {
        return IntStream.range(0, map.length).filter(chosen).mapToObj(row -> map[row]).toList();
    }

    private static Map<RowPart, Double> sums(List<double[]> rows, List<RowPart> parts) {
        Map<RowPart, Double> sums = new EnumMap<>(RowPart.class);
        for (RowPart part : RowPart.values()) {
            sums.put(part, 0.0);
        }
        for (double[] row : rows) {
            for (int column = 0; column < row.length; column++) {
                sums.merge(parts.get(column), row[column] / rows.size(), Double::sum);
            }
        }
        return sums;
    }
}
