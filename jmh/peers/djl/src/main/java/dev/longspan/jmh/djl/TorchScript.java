package dev.longspan.jmh.djl;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** A program in TorchScript's file format, as {@code torch.jit.save} leaves it: no python is needed to write one. */
final class TorchScript {

    /** An object of class A whose one field, {@code training}, is false. */
    private static final String OBJECT =
            "\u0080\u0002c__torch__\nA\nq\u0000)\u0081}(X\b\u0000\u0000\u0000trainingq\u0001\u0089ub.";
    private static final String NO_CONSTANTS = "\u0080\u0002).";

    private TorchScript() {
    }

    /** Fused attention of q, k and v, each [B, N, H, D]. */
    static byte[] attention(boolean causal, double scale) throws IOException {
        String code = """
                class A(Module):
                  __parameters__ = []
                  __buffers__ = []
                  training : bool
                  def forward(self: __torch__.A,
                    q: Tensor,
                    k: Tensor,
                    v: Tensor) -> Tensor:
                    _0 = torch.scaled_dot_product_attention(torch.transpose(q, 1, 2), torch.transpose(k, 1, 2), \
                torch.transpose(v, 1, 2), None, 0., %s, scale=%s)
                    return torch.transpose(_0, 1, 2)
                """.formatted(causal ? "True" : "False", scale);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            add(zip, "data.pkl", OBJECT);
            add(zip, "code/__torch__.py", code);
            add(zip, "constants.pkl", NO_CONSTANTS);
            add(zip, "version", "3\n");
        }
        return bytes.toByteArray();
    }

    /** Each character a byte. Stored, as its reader wants records. */
    private static void add(ZipOutputStream zip, String name, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry entry = new ZipEntry("attention/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
