package dev.longspan.checkpoint;

import dev.longspan.checkpoint.Pickled.Dict;
import dev.longspan.checkpoint.Pickled.Flag;
import dev.longspan.checkpoint.Pickled.Listing;
import dev.longspan.checkpoint.Pickled.Nothing;
import dev.longspan.checkpoint.Pickled.Real;
import dev.longspan.checkpoint.Pickled.StoredTensor;
import dev.longspan.checkpoint.Pickled.StoredValues;
import dev.longspan.checkpoint.Pickled.Text;
import dev.longspan.checkpoint.Pickled.Tuple;
import dev.longspan.checkpoint.Pickled.Whole;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Reads a pickle (protocols 2 to 5) as data: the opcodes and the names that a dict of tensors needs, every other one
 * refused. Nothing of the file is executed and no class is looked up: {@code REDUCE} knows three functions of torch and
 * Python, and all they do is make a {@link Pickled} value. Format: CPython's Lib/pickletools.py.
 */
final class PickleMachine {

    /** A tensor costs about 25 values; these are the values of {@link HeaderReader#MAX_TENSORS}. */
    private static final int MAX_VALUES = 5_000_000;

    /** Python hands its dicts over in batches of 1,000 items. */
    private static final int MAX_STACK = 1 << 16;

    private static final int MAX_RANK = 32;

    private final PickleBytes in;
    private final List<Pickled> stack = new ArrayList<>();
    private final Deque<Integer> marks = new ArrayDeque<>();
    private final List<Pickled> memo = new ArrayList<>();
    private int values;

    private PickleMachine(PickleBytes in) {
        this.in = in;
    }

    /** The value that a pickle ends with; its bytes start at byte {@code start} of the file. */
    static Pickled run(Path file, long start, MemorySegment pickle) {
        return new PickleMachine(new PickleBytes(file, start, pickle)).run();
    }

    private Pickled run() {
        if (in.opcode() != 0x80) {
            throw in.wrong("pickle must start with its protocol");
        }
        int protocol = in.u8();
        if (protocol < 2 || protocol > 5) {
            throw in.wrong("pickle protocol must be 2 to 5: protocol=" + protocol);
        }
        while (true) {
            int opcode = in.opcode();
            if (opcode == '.') {
                Pickled result = pop();
                if (!stack.isEmpty() || !marks.isEmpty() || !in.atEnd()) {
                    throw in.wrong("pickle must end with its only value");
                }
                return result;
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x95 -> in.frame();
            case 'N' -> push(Nothing.NONE);
            case 0x88 -> push(Flag.TRUE);
            case 0x89 -> push(Flag.FALSE);
            case 'K' -> push(new Whole(in.u8()));
            case 'M' -> push(new Whole(in.u16()));
            case 'J' -> push(new Whole(in.i32()));
            case 0x8a -> push(new Whole(in.integer(in.u8())));
            case 'G' -> push(new Real(in.bigEndianDouble()));
            case 0x8c -> push(new Text(in.text(in.u8())));
            case 'X' -> push(new Text(in.text(in.u32())));
            case 0x8d -> push(new Text(in.text(in.i64())));
            case '}' -> push(new Dict());
            case ']' -> push(new Listing());
            case ')' -> push(new Tuple(List.of()));
            case 0x85 -> push(new Tuple(popLast(1)));
            case 0x86 -> push(new Tuple(popLast(2)));
            case 0x87 -> push(new Tuple(popLast(3)));
            case '(' -> mark();
            case 't' -> push(new Tuple(popMarked()));
            case 'a' -> append(1);
            case 'e' -> append(marked());
            case 's' -> setItems(2);
            case 'u' -> setItems(marked());
            case 'q' -> memoize(in.u8());
            case 'r' -> memoize(in.u32());
            case 0x94 -> memoize(memo.size());
            case 'h' -> recall(in.u8());
            case 'j' -> recall(in.u32());
            case 'c' -> push(global(in.line(), in.line()));
            case 0x93 -> pushStackGlobal();
            case 'Q' -> push(storage(pop()));
            case 'R' -> reduce();
            case 'b' -> build();
            default -> throw in.wrong("a checkpoint of tensors has no opcode 0x" + Integer.toHexString(opcode)
                    + PickleBytes.shown(opcode));
        }
    }

    private void push(Pickled value) {
        if (stack.size() == MAX_STACK) {
            throw in.wrong("pickle must not need a stack of more than " + MAX_STACK + " values");
        }
        if (++values > MAX_VALUES) {
            throw in.wrong("pickle must not make more than " + MAX_VALUES + " values");
        }
        stack.add(value);
    }

    private Pickled pop() {
        checkDepth(1);
        return stack.removeLast();
    }

    private List<Pickled> popLast(int count) {
        checkDepth(count);
        List<Pickled> top = stack.subList(stack.size() - count, stack.size());
        List<Pickled> items = List.copyOf(top);
        top.clear();
        return items;
    }

    private List<Pickled> popMarked() {
        return popLast(marked());
    }

    /** Removes the topmost mark; the number of values above it. */
    private int marked() {
        if (marks.isEmpty()) {
            throw in.wrong("pickle has no mark there");
        }
        return stack.size() - marks.pop();
    }

    private void mark() {
        if (marks.size() == MAX_STACK) {
            throw in.wrong("pickle must not set more than " + MAX_STACK + " marks");
        }
        marks.push(stack.size());
    }

    /** Values below a mark are out of reach. */
    private void checkDepth(int count) {
        int floor = marks.isEmpty() ? 0 : marks.getFirst();
        if (stack.size() - floor < count) {
            throw in.wrong("pickle takes more values than there are: takes=" + count + ", there are=" + (stack.size() - floor));
        }
    }

    private Pickled top() {
        checkDepth(1);
        return stack.getLast();
    }

    private void append(int count) {
        popLast(count);
        if (!(top() instanceof Listing list)) {
            throw in.wrong("only a list can be appended to, not " + top().kind());
        }
        list.add(count);
    }

    private void setItems(int count) {
        List<Pickled> items = popLast(count);
        if (!(top() instanceof Dict dict) || count % 2 != 0) {
            throw in.wrong("only a dict takes pairs of items, not " + top().kind());
        }
        for (int i = 0; i < count; i += 2) {
            if (!(items.get(i) instanceof Text(String key))) {
                throw in.wrong("keys must be strings, not " + items.get(i).kind());
            }
            dict.put(key, items.get(i + 1));
        }
    }

    private void memoize(long index) {
        if (index == memo.size() && memo.size() < MAX_VALUES) {
            memo.add(top());
        } else if (index < memo.size()) {
            memo.set((int) index, top());
        } else {
            throw in.wrong("memo must be filled in order, up to " + MAX_VALUES + ": index=" + index + ", size=" + memo.size());
        }
    }

    private void recall(long index) {
        if (index >= memo.size()) {
            throw in.wrong("memo has no such value: index=" + index + ", size=" + memo.size());
        }
        push(memo.get((int) index));
    }

    private void pushStackGlobal() {
        List<Pickled> names = popLast(2);
        if (!(names.get(0) instanceof Text(String module)) || !(names.get(1) instanceof Text(String name))) {
            throw in.wrong("a global must be named by two strings");
        }
        push(global(module, name));
    }

    private TorchGlobal global(String module, String name) {
        return TorchGlobal.named(module, name).orElseThrow(() -> in.wrong("a checkpoint of tensors does not need "
                + ModelFormatException.printable(module + "." + name) + ": refused, nothing was executed"));
    }

    /** {@code ('storage', torch.FloatStorage, key, location, elements)}; the location is the writer's device. */
    private StoredValues storage(Pickled id) {
        if (id instanceof Tuple(List<Pickled> parts) && parts.size() == 5
                && parts.get(0) instanceof Text(String tag) && tag.equals("storage")
                && parts.get(1) instanceof TorchGlobal type && type.isStorage()
                && parts.get(2) instanceof Text(String key) && key.length() <= 9 && !key.isEmpty()
                && key.chars().allMatch(c -> c >= '0' && c <= '9')
                && parts.get(3) instanceof Text
                && parts.get(4) instanceof Whole(long elements) && elements >= 0) {
            return new StoredValues(type, key, elements);
        }
        throw in.wrong("persistent id must be ('storage', type, number, location, elements)");
    }

    private void reduce() {
        Pickled arguments = pop();
        Pickled function = pop();
        if (!(arguments instanceof Tuple(List<Pickled> items))) {
            throw in.wrong("arguments must be a tuple, not " + arguments.kind());
        }
        if (function == TorchGlobal.ORDERED_DICT && items.isEmpty()) {
            push(new Dict());
        } else if (function == TorchGlobal.REBUILD_TENSOR && (items.size() == 6 || items.size() == 7)) {
            push(tensor(items));
        } else if (function == TorchGlobal.REBUILD_PARAMETER && items.size() == 3) {
            push(parameter(items));
        } else {
            throw in.wrong("no call of " + function.kind() + " with " + items.size() + " arguments is known");
        }
    }

    /** {@code (storage, offset, size, stride, requires_grad, hooks[, metadata])} */
    private StoredTensor tensor(List<Pickled> items) {
        if (items.get(0) instanceof StoredValues storage && items.get(1) instanceof Whole(long offset)
                && items.get(4) instanceof Flag && isEmpty(items.get(5))
                && (items.size() == 6 || items.get(6) == Nothing.NONE || isEmpty(items.get(6)))) {
            return new StoredTensor(storage, offset, integers(items.get(2)), integers(items.get(3)), in.place());
        }
        throw in.wrong("a tensor must be made of a storage, an offset, sizes and strides, without hooks or other attributes");
    }

    private StoredTensor parameter(List<Pickled> items) {
        if (items.get(0) instanceof StoredTensor tensor && items.get(1) instanceof Flag && isEmpty(items.get(2))) {
            return tensor;
        }
        throw in.wrong("a parameter must be made of a tensor, without hooks");
    }

    private long[] integers(Pickled value) {
        if (!(value instanceof Tuple(List<Pickled> items)) || items.size() > MAX_RANK) {
            throw in.wrong("sizes and strides must be tuples of at most " + MAX_RANK + " ints");
        }
        long[] numbers = new long[items.size()];
        for (int i = 0; i < numbers.length; i++) {
            if (!(items.get(i) instanceof Whole(long number))) {
                throw in.wrong("sizes and strides must be ints, not " + items.get(i).kind());
            }
            numbers[i] = number;
        }
        return numbers;
    }

    private static boolean isEmpty(Pickled value) {
        return value instanceof Dict dict && dict.size() == 0;
    }

    /** {@code state_dict()} hangs the versions of its modules on its result: the only attribute there may be, and not for us. */
    private void build() {
        Pickled state = pop();
        boolean versions = state instanceof Dict attributes && top() instanceof Dict
                && (attributes.size() == 0 || attributes.size() == 1 && attributes.key(0).equals("_metadata"));
        if (!versions) {
            throw in.wrong("only a dict may have an attribute, _metadata, not " + top().kind());
        }
    }
}
