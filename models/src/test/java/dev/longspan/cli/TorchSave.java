package dev.longspan.cli;

import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** What torch.save writes of a state dict, as small as it can be. */
final class TorchSave {

    private static final Map<DType, String> STORAGES = Map.of(DType.F32, "FloatStorage", DType.BF16, "BFloat16Storage",
            DType.F64, "DoubleStorage", DType.I64, "LongStorage");

    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    private TorchSave() {
    }

    /** Contiguous tensors by name. */
    static Path write(Path file, Map<String, Tensor> tensors) throws IOException {
        return write(file, tensors, "");
    }

    /** The same with one entry more that is a number, if it has a name. */
    static Path write(Path file, Map<String, Tensor> tensors, String number) throws IOException {
        try (OutputStream out = Files.newOutputStream(file); ZipOutputStream zip = new ZipOutputStream(out)) {
            int key = 0;
            for (Tensor tensor : tensors.values()) {
                entry(zip, "archive/data/" + key++, tensor.segment().asSlice(tensor.offset() * tensor.dtype().bytes(),
                        tensor.elements() * tensor.dtype().bytes()).toArray(ValueLayout.JAVA_BYTE));
            }
            entry(zip, "archive/data.pkl", new TorchSave().pickled(tensors, number));
            entry(zip, "archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
        }
        return file;
    }

    private static void entry(ZipOutputStream zip, String name, byte[] data) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(data);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(data.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(data);
        zip.closeEntry();
    }

    private byte[] pickled(Map<String, Tensor> tensors, String number) {
        bytes(0x80, 2, '}');
        int key = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            Tensor tensor = entry.getValue();
            text(entry.getKey());
            line("ctorch._utils\n_rebuild_tensor_v2\n((");
            text("storage");
            line("ctorch\n" + STORAGES.get(tensor.dtype()) + "\n");
            text(String.valueOf(key++));
            text("cpu");
            integer(tensor.elements());
            line("tQ");
            integer(0);
            bytes('(');
            for (long size : tensor.shape()) {
                integer(size);
            }
            bytes('t', '(');
            for (int d = 0; d < tensor.rank(); d++) {
                integer(tensor.stride(d));
            }
            bytes('t', 0x89, '}', 't', 'R', 's');
        }
        if (!number.isEmpty()) {
            text(number);
            integer(7);
            bytes('s');
        }
        bytes('.');
        return pickle.toByteArray();
    }

    private void text(String text) {
        bytes('X');
        pickle.writeBytes(ByteBuffer.wrap(new byte[4]).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length()).array());
        line(text);
    }

    private void integer(long value) {
        bytes('J');
        pickle.writeBytes(ByteBuffer.wrap(new byte[4]).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value).array());
    }

    private void line(String text) {
        pickle.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void bytes(int... values) {
        for (int value : values) {
            pickle.write(value);
        }
    }
}
