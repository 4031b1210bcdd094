package dev.longspan.checkpoint;

import java.util.ArrayList;
import java.util.List;

/** What a pickle of tensors can hold. Compared by identity only: a hostile value may be as deep as the file is long. */
sealed interface Pickled permits Pickled.Nothing, Pickled.Flag, Pickled.Whole, Pickled.Real, Pickled.Text, Pickled.Tuple,
        Pickled.Listing, Pickled.Dict, Pickled.StoredValues, Pickled.StoredTensor, TorchGlobal {

    /** What to call it in an error. */
    default String kind() {
        return switch (this) {
            case Nothing none -> "None";
            case Flag flag -> "a bool";
            case Whole whole -> "an int";
            case Real real -> "a float";
            case Text text -> "a str";
            case Tuple tuple -> "a tuple";
            case Listing list -> "a list";
            case Dict dict -> "a dict";
            case TorchGlobal global -> global.qualifiedName();
            case StoredValues storage -> "a storage";
            case StoredTensor tensor -> "a tensor";
        };
    }

    /** Python's None. */
    enum Nothing implements Pickled {
        NONE
    }

    enum Flag implements Pickled {
        FALSE, TRUE
    }

    record Whole(long value) implements Pickled {
    }

    record Real(double value) implements Pickled {
    }

    record Text(String value) implements Pickled {
    }

    record Tuple(List<Pickled> items) implements Pickled {
    }

    /** Of its items only the number matters: no tensor lies in a list. */
    final class Listing implements Pickled {
        private int size;

        void add(int items) {
            size += items;
        }

        int size() {
            return size;
        }
    }

    /** A dict or an OrderedDict: keys and values in the order of the file, a key that stands twice included. */
    final class Dict implements Pickled {
        private final List<String> keys = new ArrayList<>(0);
        private final List<Pickled> values = new ArrayList<>(0);

        void put(String key, Pickled value) {
            keys.add(key);
            values.add(value);
        }

        int size() {
            return keys.size();
        }

        String key(int i) {
            return keys.get(i);
        }

        Pickled value(int i) {
            return values.get(i);
        }
    }

    /** Elements of one dtype in the archive's entry {@code data/key}. */
    record StoredValues(TorchGlobal type, String key, long elements) implements Pickled {
    }

    /** A view of a storage, in elements, as the file says it; {@code at} is the byte of the file that made it. */
    record StoredTensor(StoredValues storage, long offset, long[] shape, long[] strides, long at) implements Pickled {
    }
}
