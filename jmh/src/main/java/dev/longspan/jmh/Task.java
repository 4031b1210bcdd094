package dev.longspan.jmh;

import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What is asked of every side of a problem, in the words that peers know.
 *
 * @param kind such as {@code gemm}; a peer that does not know it takes no part
 * @param numbers sizes and switches by name: Long, Double, Boolean, String
 * @param operands tensors to read, by name
 * @param answers tensors to fill, by name
 */
public record Task(String kind, Map<String, Object> numbers, Map<String, Tensor> operands, Map<String, Tensor> answers) {

    /** The same with its operands copied into an arena, unless they lie in its memory already. */
    Task in(TensorArena arena) {
        if (arena.space().isHost()) {
            return this;
        }
        Map<String, Tensor> there = new LinkedHashMap<>();
        operands.forEach((name, operand) -> there.put(name, arena.allocate(operand.dtype(), operand.shape()).copyFrom(operand)));
        return new Task(kind, numbers, there, answers);
    }

    /** A size. */
    public int size(String name) {
        return Math.toIntExact((Long) Objects.requireNonNull(numbers.get(name), name));
    }

    /** A real number. */
    public double number(String name) {
        return (Double) Objects.requireNonNull(numbers.get(name), name);
    }

    /** A switch; off where it is not there. */
    public boolean is(String name) {
        return Boolean.TRUE.equals(numbers.get(name));
    }

    /** A tensor to read. */
    public Tensor operand(String name) {
        return Objects.requireNonNull(operands.get(name), name);
    }

    /** A tensor to fill. */
    public Tensor answer(String name) {
        return Objects.requireNonNull(answers.get(name), name);
    }
}
