package dev.longspan.cli;

import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.ITypeConverter;

/**
 * Some of what there is, by numbers from 1 on such as {@code 1,4}, or all of it.
 *
 * @param numbers none for all
 */
record Choice(List<Integer> numbers) {

    static final Choice ALL = new Choice(List.of());

    Choice {
        numbers = List.copyOf(numbers);
    }

    /** The chosen ones among {@code count}; IllegalArgumentException where there is no such number. */
    List<Integer> among(String name, int count) {
        for (int number : numbers) {
            if (number > count) {
                throw new IllegalArgumentException(name + " must be from 1 to " + count + ": " + name + "=" + number);
            }
        }
        return numbers.isEmpty() ? IntStream.rangeClosed(1, count).boxed().toList() : numbers;
    }

    private static Choice read(String text, String none) {
        return text.equals(none) ? ALL : new Choice(new SegmentList.Converter().convert(text).counts());
    }

    /** Reads it from the command line. */
    static final class Converter implements ITypeConverter<Choice> {
        @Override
        public Choice convert(String text) {
            return read(text, "all");
        }
    }

    /** Reads numbers, none for {@code mean}. */
    static final class MeanConverter implements ITypeConverter<Choice> {
        @Override
        public Choice convert(String text) {
            return read(text, "mean");
        }
    }
}
