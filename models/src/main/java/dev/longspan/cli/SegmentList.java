package dev.longspan.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of segments such as {@code 1-7,10,64}. */
record SegmentList(List<Integer> counts) {

    private static final int MOST = 1 << 16;

    SegmentList {
        counts = List.copyOf(counts);
    }

    /** Reads them from the command line. */
    static final class Converter implements ITypeConverter<SegmentList> {

        @Override
        public SegmentList convert(String text) {
            List<Integer> counts = new ArrayList<>();
            for (String part : text.split(",", -1)) {
                String[] ends = part.split("-", 2);
                int from = number(ends[0], text);
                int to = number(ends[ends.length - 1], text);
                if (to < from || to - from > MOST) {
                    throw wrong(text);
                }
                for (int n = from; n <= to; n++) {
                    counts.add(n);
                }
            }
            return new SegmentList(counts);
        }

        private static int number(String text, String all) {
            try {
                int number = Integer.parseInt(text.strip());
                if (number >= 1) {
                    return number;
                }
            } catch (NumberFormatException e) {
                throw wrong(all);
            }
            throw wrong(all);
        }

        private static TypeConversionException wrong(String text) {
            return new TypeConversionException("expected numbers from 1 and ranges such as 1-7,10,64: " + text);
        }
    }
}
