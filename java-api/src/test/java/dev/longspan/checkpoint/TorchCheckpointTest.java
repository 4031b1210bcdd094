package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawTorch.dict;
import static dev.longspan.checkpoint.RawTorch.file;
import static dev.longspan.checkpoint.RawTorch.floats;
import static dev.longspan.checkpoint.RawTorch.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchCheckpointTest {

    @TempDir
    Path folder;

    /** Every dtype, nested dicts, a parameter, a scalar, an empty tensor, views of one storage, module versions. */
    static byte[] everything(int protocol) {
        RawPickle pickle = new RawPickle(protocol).orderedDict().op('(');
        pickle.text("f32").tensor("FloatStorage", "0", 24, 0, longs(4, 6), longs(6, 1));
        pickle.text("rows").tensor("FloatStorage", "0", 24, 6, longs(2, 6), longs(6, 1));
        pickle.text("transposed").tensor("FloatStorage", "0", 24, 0, longs(6, 4), longs(1, 6));
        pickle.text("holes").tensor("FloatStorage", "0", 24, 7, longs(2, 3), longs(6, 2));
        pickle.text("parameter").parameter(() -> pickle.tensor("FloatStorage", "0", 24, 20, longs(4), longs(1)));
        pickle.text("scalar").tensor("LongStorage", "1", 1, 0, longs(), longs());
        pickle.text("empty").tensor("FloatStorage", "2", 0, 0, longs(0, 3), longs(3, 1));
        pickle.op('u').text("nested").op('}').op('(');
        pickle.text("f64").tensor("DoubleStorage", "3", 1, 0, longs(1), longs(1));
        pickle.text("f16").tensor("HalfStorage", "4", 2, 0, longs(2), longs(1));
        pickle.text("bf16").tensor("BFloat16Storage", "5", 2, 0, longs(2), longs(1));
        pickle.text("i32").tensor("IntStorage", "6", 1, 0, longs(1), longs(1));
        pickle.op('u').text("deep").op('}').text("u8").tensor("ByteStorage", "7", 2, 0, longs(2), longs(1)).op('s').op('s');
        pickle.text("bool").tensor("BoolStorage", "8", 2, 0, longs(2), longs(1)).op('s').op('s');
        pickle.op('}').text("_metadata").orderedDict().text("").op('}').text("version").integer(1).op('s').op('s').op('s').op('b');
        float[] numbers = new float[24];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = i;
        }
        Map<String, byte[]> storages = new LinkedHashMap<>();
        storages.put("0", floats(numbers));
        storages.put("1", little(8).putLong(-(1L << 60)).array());
        storages.put("2", new byte[0]);
        storages.put("3", little(8).putDouble(0.1).array());
        storages.put("4", little(4).putShort((short) 0x3C00).putShort((short) 0xC000).array());
        storages.put("5", little(4).putShort((short) 0x3F80).putShort((short) 0xC000).array());
        storages.put("6", little(4).putInt(-7).array());
        storages.put("7", new byte[] {1, (byte) 200});
        storages.put("8", new byte[] {0, 1});
        return file(pickle.stop(), storages);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5})
    void everyKindOfTensorComesBackUnderItsName(int protocol) throws IOException {
        Path path = Files.write(folder.resolve("all.pth"), everything(protocol));
        try (TorchCheckpoint torch = TorchCheckpoint.open(path)) {
            Map<String, Tensor> tensors = torch.tensors();
            assertThat(tensors.keySet()).containsExactly("f32", "rows", "transposed", "holes", "parameter", "scalar", "empty",
                    "nested.f64", "nested.f16", "nested.bf16", "nested.i32", "nested.deep.u8", "nested.bool");
            assertThat(tensors.get("f32").shape()).containsExactly(4, 6);
            assertThat(tensors.get("rows").toDoubles()).containsExactly(6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
            assertThat(tensors.get("transposed").get(5, 3)).isEqualTo(23);
            assertThat(tensors.get("transposed").get(1, 2)).isEqualTo(13);
            assertThat(tensors.get("holes").toDoubles()).containsExactly(7, 9, 11, 13, 15, 17);
            assertThat(tensors.get("parameter").toDoubles()).containsExactly(20, 21, 22, 23);
            assertThat(tensors.get("scalar").toLongs()).containsExactly(-(1L << 60));
            assertThat(tensors.get("scalar").rank()).isZero();
            assertThat(tensors.get("empty").shape()).containsExactly(0, 3);
            assertThat(tensors.get("nested.f64").toDoubles()).containsExactly(0.1);
            assertThat(tensors.get("nested.f16").toDoubles()).containsExactly(1, -2);
            assertThat(tensors.get("nested.bf16").toDoubles()).containsExactly(1, -2);
            assertThat(tensors.get("nested.bf16").dtype()).isEqualTo(DType.BF16);
            assertThat(tensors.get("nested.i32").toLongs()).containsExactly(-7);
            assertThat(tensors.get("nested.deep.u8").toLongs()).containsExactly(1, 200);
            assertThat(tensors.get("nested.bool").dtype()).isEqualTo(DType.BOOL);
            assertThat(tensors.get("rows").storage()).isSameAs(tensors.get("f32").storage());
        }
    }

    @Test
    void aFileThatTorchWroteIsRead() throws IOException {
        Path path = folder.resolve("torch.pth");
        try (InputStream in = TorchCheckpointTest.class.getResourceAsStream("/torch/state_dict.pth")) {
            assertThat(in).isNotNull();
            Files.copy(in, path);
        }
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("embed.weight", "linear.weight", "linear.bias",
                    "tied.weight", "count", "half", "columns");
            assertThat(checkpoint.tensor("linear.weight").toDoubles()).containsExactly(0, 0.5, 1, 1.5, 2, 2.5);
            assertThat(checkpoint.tensor("linear.weight").shape()).containsExactly(2, 3);
            assertThat(checkpoint.tensor("linear.bias").toDoubles()).containsExactly(-1, 1);
            assertThat(checkpoint.tensor("embed.weight").get(3, 1)).isEqualTo(7);
            assertThat(checkpoint.tensor("tied.weight").get(3, 1)).isEqualTo(7);
            assertThat(checkpoint.tensor("count").toLongs()).containsExactly(41);
            assertThat(checkpoint.tensor("half").dtype()).isEqualTo(DType.BF16);
            assertThat(checkpoint.tensor("half").toDoubles()).containsExactly(1, 2, 3);
            assertThat(checkpoint.tensor("columns").shape()).containsExactly(2, 4);
            assertThat(checkpoint.tensor("columns").toDoubles()).containsExactly(0, 2, 4, 6, 1, 3, 5, 7);
        }
    }

    @Test
    void zip64AndEntriesWithoutSumsAndUnalignedOnesAreRead() throws IOException {
        byte[] pickle = dict(2, p -> p.text("w").tensor("FloatStorage", "0", 3, 1, longs(2), longs(1)));
        for (RawZip zip : new RawZip[] {new RawZip().zip64(), new RawZip().withoutSums(), new RawZip().align(1), new RawZip().flags(0x800)}) {
            Path path = Files.write(folder.resolve("w.pt"), file(zip, pickle, Map.of("0", floats(1, 2, 3))));
            try (TorchCheckpoint torch = TorchCheckpoint.open(path)) {
                Tensor w = torch.tensors().get("w");
                assertThat(w).isNotNull();
                assertThat(w.toDoubles()).containsExactly(2, 3);
            }
        }
    }

    @Test
    void entriesBeyond4GiBAreReadWhereTheyLie() throws IOException {
        long large = 5L << 30;
        byte[] pickle = dict(2, p -> p.text("large").tensor("ByteStorage", "0", large, 0, longs(large), longs(1))
                .text("last").tensor("FloatStorage", "1", 2, 0, longs(2), longs(1)));
        RawZip zip = new RawZip().zip64().add("a/data.pkl", pickle).add("a/version", "3").addElsewhere("a/data/0", large);
        byte[] head = zip.head();
        byte[] whole = zip.add("a/data/1", floats(3, 4)).bytes();
        Path path = folder.resolve("large.pth");
        try (FileChannel out = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE)) {
            out.write(ByteBuffer.wrap(head));
            out.write(ByteBuffer.wrap(new byte[] {42}), head.length + large - 1);
            out.write(ByteBuffer.wrap(whole, head.length, whole.length - head.length), head.length + large);
        }
        try (TorchCheckpoint torch = TorchCheckpoint.open(path)) {
            Tensor bytes = torch.tensors().get("large");
            Tensor last = torch.tensors().get("last");
            assertThat(bytes).isNotNull();
            assertThat(last).isNotNull();
            assertThat(bytes.get(large - 1)).isEqualTo(42);
            assertThat(last.toDoubles()).containsExactly(3, 4);
        }
    }

    @Test
    void tensorsOfAClosedFileSaySo() throws IOException {
        Path path = Files.write(folder.resolve("w.pth"), HostileTorchCorpus.good());
        Tensor w;
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            w = checkpoint.tensor("w");
        }
        assertThatThrownBy(w::toDoubles).isInstanceOf(IllegalStateException.class).hasMessageContaining(path.toString());
    }

    @Test
    void aTorchFileIsKnownByItsFirstBytes() throws IOException {
        Path path = Files.write(folder.resolve("model.bin"), HostileTorchCorpus.good());
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            assertThat(checkpoint.tensor("w").toDoubles()).containsExactly(1, 2, 3, 4);
        }
        byte[] older = {(byte) 0x80, 2, (byte) 0x8a, 10, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9, 0x20};
        Path file = Files.write(folder.resolve("older.bin"), older);
        assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(ModelFormatException.class).hasMessageContaining("before 1.6");
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
