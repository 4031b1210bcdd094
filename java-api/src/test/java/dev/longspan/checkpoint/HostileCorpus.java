package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawFile.tensor;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Files that must be refused, by what is wrong with them. */
final class HostileCorpus {

    private HostileCorpus() {
    }

    static Map<String, byte[]> files() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        String good = tensor("a", "F32", "[2,2]", "[0,16]");
        files.put("nothing at all", new byte[0]);
        files.put("seven bytes", new byte[7]);
        files.put("header of length zero", RawFile.of(0, "", 0));
        files.put("header longer than the file", RawFile.of(1000, "{" + good + "}", 16));
        files.put("header of 900 MB claimed", RawFile.of(900_000_000L, "{" + good + "}", 0));
        files.put("header length negative", RawFile.of(-1L, "{" + good + "}", 16));
        files.put("header length 2^63 - 1", RawFile.of(Long.MAX_VALUE, "{" + good + "}", 16));
        files.put("header cut in the middle", RawFile.of(20, ("{" + good).substring(0, 20), 0));
        files.put("leading space", RawFile.of(" {" + good + "}", 16));
        files.put("a JSON array", RawFile.of("[1,2,3]", 0));
        files.put("not JSON", RawFile.of("{not json", 0));
        files.put("not UTF-8", RawFile.of(4, new byte[] {'{', (byte) 0xC3, '(', '}'}, 0));
        files.put("UTF-16", RawFile.of(4, "{}".getBytes(StandardCharsets.UTF_16LE), 0));
        files.put("text behind the header", RawFile.of("{" + good + "} {}", 16));
        files.put("nested too deep", RawFile.of("{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}", 0));
        files.put("overlap", RawFile.of("{" + good + "," + tensor("b", "F32", "[2,2]", "[8,24]") + "}", 24));
        files.put("hole", RawFile.of("{" + good + "," + tensor("b", "F32", "[2,2]", "[24,40]") + "}", 40));
        files.put("hole at the start", RawFile.of("{" + tensor("a", "F32", "[2]", "[8,16]") + "}", 16));
        files.put("trailing data", RawFile.of("{" + good + "}", 24));
        files.put("data truncated", RawFile.of("{" + good + "}", 12));
        files.put("data without tensors", RawFile.of("{}", 8));
        files.put("offsets reversed", RawFile.of("{" + tensor("a", "F32", "[2,2]", "[16,0]") + "}", 16));
        files.put("offset negative", RawFile.of("{" + tensor("a", "F32", "[2,2]", "[-16,0]") + "}", 16));
        files.put("offset minus zero", RawFile.of("{" + tensor("a", "F32", "[0]", "[-0,0]") + "}", 0));
        files.put("offset fractional", RawFile.of("{" + tensor("a", "F32", "[2,2]", "[0.0,16.0]") + "}", 16));
        files.put("offset 2^53",
                RawFile.of("{" + tensor("a", "U8", "[9007199254740992]", "[0,9007199254740992]") + "}", 16));
        files.put("offset beyond 64 bits",
                RawFile.of("{" + tensor("a", "U8", "[1]", "[0,18446744073709551616]") + "}", 1));
        files.put("three offsets", RawFile.of("{" + tensor("a", "F32", "[2,2]", "[0,16,16]") + "}", 16));
        files.put("one offset", RawFile.of("{" + tensor("a", "F32", "[2,2]", "[0]") + "}", 16));
        files.put("shape larger than the data",
                RawFile.of("{" + tensor("a", "F32", "[1000,1000]", "[0,16]") + "}", 16));
        files.put("shape 65536 x 65536", RawFile.of("{" + tensor("a", "F32", "[65536,65536]", "[0,16]") + "}", 16));
        files.put("shape that overflows to 16 bytes",
                RawFile.of("{" + tensor("a", "F32", "[4611686018427387905,4]", "[0,16]") + "}", 16));
        files.put("shape negative twice", RawFile.of("{" + tensor("a", "F32", "[-2,-2]", "[0,16]") + "}", 16));
        files.put("shape of strings", RawFile.of("{" + tensor("a", "F32", "[\"2\",\"2\"]", "[0,16]") + "}", 16));
        files.put("shape of rank 1000",
                RawFile.of("{" + tensor("a", "U8", "[" + "1,".repeat(999) + "1]", "[0,1]") + "}", 1));
        files.put("duplicate tensor", RawFile.of("{" + good + "," + good + "}", 16));
        files.put("duplicate field", RawFile.of("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"F32\",\"shape\":[4],"
                + "\"data_offsets\":[0,16]}}", 16));
        files.put("duplicate metadata", RawFile.of("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0));
        files.put("metadata that is no string", RawFile.of("{\"__metadata__\":{\"a\":1}}", 0));
        files.put("unknown field",
                RawFile.of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1));
        files.put("missing field", RawFile.of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1));
        files.put("unknown dtype", RawFile.of("{" + tensor("a", "F33", "[4]", "[0,16]") + "}", 16));
        files.put("dtype not supported", RawFile.of("{" + tensor("a", "F8_E4M3", "[16]", "[0,16]") + "}", 16));
        files.put("name with half a surrogate pair",
                RawFile.of("{" + tensor("\\ud800", "U8", "[1]", "[0,1]") + "}", 1));
        files.put("100,000 tensors in one place", RawFile.of(IntStream.range(0, 100_000)
                .mapToObj(i -> tensor("t" + i, "F32", "[2,2]", "[0,16]"))
                .collect(Collectors.joining(",", "{", "}")), 16));
        files.put("a million tensors", RawFile.of(IntStream.range(0, 1_000_000)
                .mapToObj(i -> tensor("t" + i, "U8", "[0]", "[0,0]"))
                .collect(Collectors.joining(",", "{", "}")), 0));
        files.put("checksums of other tensors",
                RawFile.of("{\"__metadata__\":{\"longspan.crc32c\":\"00000000\"}," + good + "}", 16));
        files.put("checksum that does not match",
                RawFile.of("{\"__metadata__\":{\"longspan.crc32c\":\"0000000000000000\"}," + good + "}", 16));
        return files;
    }
}
