package dev.longspan.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.function.Consumer;

/** Files of torch.save as anybody may have written them. */
final class RawTorch {

    private RawTorch() {
    }

    /** The archive of a pickle and its storages by key. */
    static byte[] file(byte[] pickle, Map<String, byte[]> storages) {
        return file(new RawZip(), pickle, storages);
    }

    static byte[] file(RawZip zip, byte[] pickle, Map<String, byte[]> storages) {
        zip.add("archive/data.pkl", pickle).add("archive/byteorder", "little");
        storages.forEach((key, data) -> zip.add("archive/data/" + key, data));
        return zip.add("archive/version", "3\n").add("archive/.data/serialization_id", "0123456789").bytes();
    }

    /** An OrderedDict of what {@code items} pushes: keys and values. */
    static byte[] dict(int protocol, Consumer<RawPickle> items) {
        RawPickle pickle = new RawPickle(protocol).orderedDict().op('(');
        items.accept(pickle);
        return pickle.op('u').stop();
    }

    /** One tensor {@code w} over one storage of four floats, as the pickle says. */
    static byte[] one(Consumer<RawPickle> tensor) {
        return file(dict(2, pickle -> tensor.accept(pickle.text("w"))), Map.of("0", floats(1, 2, 3, 4)));
    }

    static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }

    static long[] longs(long... values) {
        return values;
    }
}
