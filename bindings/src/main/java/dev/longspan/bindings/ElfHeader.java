package dev.longspan.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What the header of a library promises, checked first: the dynamic linker maps a truncated file and dies of SIGBUS. */
final class ElfHeader {

    private static final int BYTES = 64;
    private static final int MAGIC = 0x464C457F;
    private static final short X86_64 = 62;

    // Offsets of fields in ELF-64.
    private static final int MACHINE = 18;
    private static final int SECTIONS = 40;
    private static final int SECTION_BYTES = 58;
    private static final int SECTION_COUNT = 60;

    private ElfHeader() {
    }

    /** Why a file cannot be a whole library for x86-64; none where it looks like one. Linkers write the section table last. */
    static @Nullable String damage(Path file) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (InputStream in = Files.newInputStream(file)) {
            header.put(in.readNBytes(BYTES));
        }
        if (header.hasRemaining() || header.getInt(0) != MAGIC) {
            return "it is no ELF library";
        }
        if (header.getShort(MACHINE) != X86_64) {
            return "it is for ELF machine " + header.getShort(MACHINE) + ", not for x86-64 (" + X86_64 + ")";
        }
        long end = header.getLong(SECTIONS) + (long) header.getShort(SECTION_BYTES) * header.getShort(SECTION_COUNT);
        long size = Files.size(file);
        return size < end ? "it is truncated: it has " + size + " of at least " + end + " bytes" : null;
    }
}
