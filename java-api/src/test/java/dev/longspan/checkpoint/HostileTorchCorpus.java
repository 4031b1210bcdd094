package dev.longspan.checkpoint;

import static dev.longspan.checkpoint.RawTorch.dict;
import static dev.longspan.checkpoint.RawTorch.file;
import static dev.longspan.checkpoint.RawTorch.floats;
import static dev.longspan.checkpoint.RawTorch.longs;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Files of torch.save that must be refused, by what is wrong with them, and a word that the refusal must say. */
final class HostileTorchCorpus {

    /** A file and a piece of the message that it deserves. */
    record Hostile(byte[] bytes, String says) { }

    private final Map<String, Hostile> files = new LinkedHashMap<>();

    private HostileTorchCorpus() {
    }

    static Map<String, Hostile> files() {
        HostileTorchCorpus corpus = new HostileTorchCorpus();
        corpus.addCode();
        corpus.addPickles();
        corpus.addViews();
        corpus.addArchives();
        return corpus.files;
    }

    static byte[] good() {
        return RawTorch.one(pickle -> pickle.tensor("FloatStorage", "0", 4, 0, longs(2, 2), longs(2, 1)));
    }

    private void addCode() {
        refuse("os.system as a global", "os.system", p -> p.global("os", "system"));
        refuse("posix.system called", "posix.system", p -> p.global("posix", "system").text("id").raw(0x85).op('R'));
        four("builtins.eval by protocol 4", "builtins.eval", p -> p.global("builtins", "eval").text("1").raw(0x85).op('R'));
        refuse("a global that exists in Java", "java.lang.Runtime", p -> p.global("java.lang", "Runtime"));
        refuse("a global with control characters", "does not need os .system", p -> p.global("os\u0007", "system\u001b[2J"));
        refuse("the tensor class itself", "torch._tensor._rebuild_from_type_v2",
                p -> p.global("torch._tensor", "_rebuild_from_type_v2"));
        refuse("INST", "opcode 0x69 ('i')", p -> p.raw('i', 'o', 's', '\n', 'x', '\n'));
        refuse("OBJ", "opcode 0x6f", p -> p.op('o'));
        refuse("NEWOBJ", "opcode 0x81", p -> p.raw(0x81));
        refuse("EXT1", "opcode 0x82", p -> p.raw(0x82, 1));
        refuse("NEXT_BUFFER", "opcode 0x97", p -> p.raw(0x97));
        refuse("a persistent id as text", "opcode 0x50", p -> p.raw('P', '0', '\n'));
        refuse("a string of Python 2", "opcode 0x55", p -> p.raw('U', 1, 'x'));
        refuse("REDUCE of a string", "no call of a str", p -> p.text("system").emptyTuple().op('R'));
        refuse("REDUCE of a storage type", "no call of torch.FloatStorage", p -> p.global("torch", "FloatStorage").emptyTuple().op('R'));
        refuse("REDUCE without a tuple", "arguments must be a tuple", p -> p.global("collections", "OrderedDict").op('N').op('R'));
        refuse("OrderedDict of arguments", "no call of collections.OrderedDict",
                p -> p.global("collections", "OrderedDict").op('N').raw(0x85).op('R'));
        refuse("BUILD on a tensor", "_metadata", p -> good(p).op('}').op('b'));
        refuse("BUILD of another attribute", "_metadata",
                p -> p.op('}').op('}').text("__class__").text("x").op('s').op('b'));
        refuse("hooks on a tensor", "without hooks", p -> p.global("torch._utils", "_rebuild_tensor_v2").op('(')
                .storage("FloatStorage", "0", 4).integer(0).integers(4).integers(1).raw(0x89)
                .op('}').text("hook").op('N').op('s').op('t').op('R'));
    }

    private void addPickles() {
        refuse("a tensor of a string", "made of a storage", p -> p.global("torch._utils", "_rebuild_tensor_v2").op('(')
                .text("x").integer(0).integers(4).integers(1).raw(0x89).orderedDict().op('t').op('R'));
        refuse("persistent id that is no tuple", "persistent id", p -> p.text("storage").op('Q'));
        refuse("persistent id of another kind", "persistent id",
                p -> p.op('(').text("module").global("torch", "FloatStorage").text("0").text("cpu").integer(4).op('t').op('Q'));
        refuse("persistent id that leads out of the archive", "persistent id", p -> p.storage("FloatStorage", "../version", 4));
        refuse("persistent id of negative length", "persistent id", p -> p.storage("FloatStorage", "0", -4));
        refuse("memo out of range", "memo has no such value", p -> p.raw('h', 200));
        refuse("long memo out of range", "memo has no such value", p -> p.raw('j', 255, 255, 255, 255));
        refuse("memo filled far ahead", "memo must be filled in order", p -> p.op('N').raw('r', 255, 255, 255, 127));
        refuse("a memo of nothing", "more values than there are", p -> p.op('(').raw(0x94));
        refuse("stack underflow", "more values than there are", p -> p.op('(').raw(0x87));
        refuse("values below the mark", "more values than there are", p -> p.text("a").op('(').raw(0x86));
        pickled("no mark", "no mark", new RawPickle(2).op('}').op('u').stop());
        pickled("STOP in the middle", "its only value", new RawPickle(2).op('}').stop(), 3);
        pickled("STOP with two values", "its only value", new RawPickle(2).op('}').op('}').stop());
        pickled("STOP with nothing", "more values than there are", new RawPickle(2).stop());
        pickled("no protocol", "start with its protocol", new byte[] {'}', '.'});
        pickled("protocol 0", "protocol must be 2 to 5", new byte[] {(byte) 0x80, 0, '}', '.'});
        pickled("protocol 6", "protocol must be 2 to 5", new RawPickle(6).op('}').stop());
        pickled("an empty pickle", "truncated", new byte[0]);
        pickled("a tensor alone", "dict of tensors, not a tensor",
                good(new RawPickle(2)).stop());
        pickled("a list", "dict of tensors, not a list", new RawPickle(2).op(']').op('N').op('a').stop());
        pickled("keys that are numbers", "keys must be strings", new RawPickle(2).op('}').integer(1).op('N').op('s').stop());
        pickled("an odd number of items", "pairs", new RawPickle(2).op('}').op('(').text("a").op('u').stop());
        pickled("items of a list", "not a list", new RawPickle(2).op(']').op('(').text("a").op('N').op('u').stop());
        pickled("appended to a dict", "not a dict", new RawPickle(2).op('}').op('N').op('a').stop());
        pickled("a str of 4 GB", "a str must not", new RawPickle(2).raw('X', 255, 255, 255, 255).stop());
        pickled("a str of 2^63 bytes", "a str must not",
                new RawPickle(4).raw(0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80).stop());
        pickled("a str longer than the pickle", "truncated", new RawPickle(2).raw('X', 200, 0, 0, 0).stop());
        pickled("a str that is not UTF-8", "UTF-8", new RawPickle(2).raw('X', 1, 0, 0, 0, 0xC3).stop());
        pickled("a frame longer than the pickle", "frame must lie", new RawPickle(4).raw(0x95, 255, 255, 255, 255, 0, 0, 0, 0).stop());
        pickled("an int of 255 bytes", "more than 8 bytes", new RawPickle(2).raw(0x8a, 255).stop());
        pickled("a global without end", "line", filled(new RawPickle(2).op('c'), 'x', 100_000));
        pickled("a million marks", "marks", filled(new RawPickle(2), '(', 1_000_000));
        pickled("a million values on the stack", "stack", filled(new RawPickle(2), '}', 1_000_000));
        pickled("ten million values", "values", repeated(new RawPickle(2).op(']'), 10_000_000, 'N', 'a'));
        pickled("a dict within itself", "several places",
                new RawPickle(2).op('}').memoize().text("a").raw('h', 0).op('s').stop());
        pickled("dicts that double 30 times", "several places", doubled(new RawPickle(2), 30).stop());
        pickled("dicts a thousand deep", "deeper", nested(1_000));
        pickled("a tuple a million deep", "a checkpoint must be a dict of tensors, not a tuple",
                repeated(new RawPickle(2).op(')'), 1_000_000, 0x85));
        refuse("a float", "tensors only, this is a float", p -> p.raw('G', 0x3F, 0xF0, 0, 0, 0, 0, 0, 0));
        refuse("an int", "tensors only, this is an int", p -> p.integer(7));
        refuse("None", "tensors only, this is None", p -> p.op('N'));
        refuse("a bool", "tensors only, this is a bool", p -> p.raw(0x88));
        refuse("a str", "tensors only, this is a str", p -> p.text("text"));
        refuse("a storage alone", "tensors only, this is a storage", p -> p.storage("FloatStorage", "0", 4));
        refuse("a list of tensors", "tensors only, this is a list", p -> good(p.op(']')).op('a'));
        refuse("the same name twice", "duplicate name", p -> good(good(p).text("w")));
        byte[] good = good();
        for (int cut : new int[] {1, 21, 22, 100, good.length / 2, good.length - 10}) {
            files.put("cut by " + cut, new Hostile(Arrays.copyOf(good, good.length - cut), "truncated or no torch file"));
        }
    }

    private void addViews() {
        view("sizes beyond the storage", "within its storage", 4, 0, longs(5), longs(1));
        view("offset beyond the storage", "within its storage", 4, 5, longs(0), longs(1));
        view("offset and sizes beyond the storage", "within its storage", 4, 3, longs(2), longs(1));
        view("strides beyond the storage", "within its storage", 4, 0, longs(2), longs(4));
        view("negative size", "must not be negative", 4, 0, longs(-1), longs(1));
        view("two negative sizes", "must not be negative", 4, 0, longs(-2, -2), longs(2, 1));
        view("negative stride", "must not be negative", 4, 3, longs(4), longs(-1));
        view("negative offset", "within its storage", 4, -1, longs(), longs());
        view("2^62 elements", "within its storage", 4, 0, longs(1L << 62), longs(1));
        view("2^62 elements in one place", "share their place", 4, 0, longs(1L << 62), longs(0));
        view("2^124 elements", "too large to address", 4, 0, longs(1L << 62, 1L << 62), longs(0, 0));
        view("sizes that overflow to 4", "too large to address", 4, 0, longs((1L << 62) + 1, 4), longs(4, 1));
        view("strides that overflow", "too large to address", 4, 0, longs(3, 2), longs(1L << 62, 1L << 62));
        view("offset that overflows", "too large to address", 4, Long.MAX_VALUE, longs(2), longs(1));
        view("one stride too few", "one length", 4, 0, longs(2, 2), longs(1));
        view("rank 1000", "at most 32", 4, 0, new long[1000], new long[1000]);
        view("storage longer than its entry", "as long as its entry", 5, 0, longs(4), longs(1));
        view("storage shorter than its entry", "as long as its entry", 3, 0, longs(2), longs(1));
        view("storage of 2^62 elements", "as long as its entry", 1L << 62, 0, longs(4), longs(1));
        refuse("a size that is no int", "must be ints", p -> p.global("torch._utils", "_rebuild_tensor_v2").op('(')
                .storage("FloatStorage", "0", 4).integer(0).text("x").raw(0x85).integers(1).raw(0x89).orderedDict().op('t').op('R'));
        refuse("a dtype of no use", "dtype is not supported: torch.ComplexFloatStorage",
                p -> p.tensor("ComplexFloatStorage", "0", 2, 0, longs(2), longs(1)));
        refuse("missing data", "no entry archive/data/7", p -> p.tensor("FloatStorage", "7", 4, 0, longs(4), longs(1)));
        files.put("a storage viewed ten thousand times", new Hostile(file(dict(2, p -> {
            for (int i = 0; i < 10_000; i++) {
                good(p.text("t" + i), 100_000);
                if (i % 500 == 499) {
                    p.op('u').op('(');
                }
            }
        }), Map.of("0", new byte[400_000])), "64 times over"));
    }

    private void addArchives() {
        byte[] empty = new RawPickle(2).op('}').stop();
        files.put("nothing at all", new Hostile(new byte[0], "truncated or no torch file"));
        files.put("one byte", new Hostile(new byte[1], "truncated or no torch file"));
        files.put("the older format", new Hostile(new RawPickle(2).integer(1L << 60).stop(), "before 1.6"));
        archive("an archive without a pickle", "one folder with a data.pkl", new RawZip().add("archive/version", "3"));
        archive("two pickles", "found 2", new RawZip().add("a/data.pkl", empty).add("b/data.pkl", empty));
        archive("TorchScript", "TorchScript", new RawZip().add("m/data.pkl", empty).add("m/code/__torch__.py", "x")
                .add("m/constants.pkl", empty).add("m/version", "3"));
        archive("big-endian", "byteorder must be little", new RawZip().add("a/data.pkl", empty).add("a/byteorder", "big")
                .add("a/version", "3"));
        archive("a version of the future", "version must be", new RawZip().add("a/data.pkl", empty).add("a/version", "11"));
        archive("no version", "no entry a/version", new RawZip().add("a/data.pkl", empty));
        archive("compressed", "must not be compressed", new RawZip().method(8).add("a/data.pkl", empty).add("a/version", "3"));
        archive("encrypted", "encrypted", new RawZip().flags(1).add("a/data.pkl", empty).add("a/version", "3"));
        for (String name : new String[] {"../../etc/passwd", "/etc/passwd", "a/../b", "a\\b", "c:/x", "a//b", "a/", "a/\u0000b", "."}) {
            archive("the name " + ModelFormatException.printable(name), "plain path",
                    new RawZip().add("a/data.pkl", empty).add("a/version", "3").add(name, "x"));
        }
        archive("a name of another folder", "must lie in the folder",
                new RawZip().add("a/data.pkl", empty).add("a/version", "3").add("b/x", "x"));
        archive("a long name", "its name", new RawZip().add("a/data.pkl", empty).add("a/" + "x".repeat(60_000), "x"));
        archive("duplicate names", "duplicate entry", new RawZip().add("a/data.pkl", empty).add("a/version", "3").add("a/version", "3"));
        byte[] inner = new RawZip().add("a/w", "x").bytes();
        int place = indexOf(new RawZip().add("a/data.pkl", empty).add("a/v", inner).bytes(), inner);
        archive("an entry within another", "overlaps",
                new RawZip().add("a/data.pkl", empty).add("a/v", inner).claim("a/w", place, 1, 1, 0));
        archive("an entry that is another's", "must say what the directory says",
                new RawZip().add("a/data.pkl", empty).claim("a/version", 0, 1, 1, 0));
        claimed("size beyond the directory", "before the directory", 0, 1 << 20, 1 << 20);
        claimed("size of 4 GB", "before the directory", 0, 0xFFFF_FFFEL, 0xFFFF_FFFEL);
        claimed("place beyond the directory", "no header there", 1 << 20, 4, 4);
        claimed("a bomb: 4 GB from 4 bytes", "as long stored", 0, 0xFFFF_FFFEL, 4);
        claimed("zip64 field missing", "no header there", 0xFFFF_FFFFL, 4, 4);
        byte[] lastByte = good();
        lastByte[lastByte.length - 2] = 1;
        files.put("a comment", new Hostile(lastByte, "truncated or no torch file"));
        byte[] count = good();
        count[count.length - 12] = 100;
        count[count.length - 14] = 100;
        files.put("more entries claimed than there are", new Hostile(count, "must hold its entries"));
        byte[] flipped = good();
        int data = indexOf(flipped, floats(1, 2, 3, 4));
        flipped[data] ^= 1;
        files.put("a flipped bit of the data", new Hostile(flipped, "checksum"));
    }

    private void refuse(String name, String says, Consumer<RawPickle> value) {
        files.put(name, new Hostile(RawTorch.one(value), says));
    }

    private void four(String name, String says, Consumer<RawPickle> value) {
        files.put(name, new Hostile(file(dict(4, p -> value.accept(p.text("w"))), Map.of()), says));
    }

    private void pickled(String name, String says, byte[] pickle) {
        files.put(name, new Hostile(file(pickle, Map.of("0", floats(1, 2, 3, 4))), says));
    }

    private void pickled(String name, String says, byte[] pickle, int extra) {
        pickled(name, says, Arrays.copyOf(pickle, pickle.length + extra));
    }

    private void view(String name, String says, long stored, long offset, long[] sizes, long[] strides) {
        refuse(name, says, p -> p.tensor("FloatStorage", "0", stored, offset, sizes, strides));
    }

    private void archive(String name, String says, RawZip zip) {
        files.put(name, new Hostile(zip.bytes(), says));
    }

    private void claimed(String name, String says, long header, long size, long stored) {
        archive(name, says, new RawZip().add("a/data.pkl", new RawPickle(2).op('}').stop())
                .claim("a/data.pkl", header, size, stored, 0));
    }

    private static RawPickle good(RawPickle pickle) {
        return good(pickle, 4);
    }

    private static RawPickle good(RawPickle pickle, int elements) {
        return pickle.tensor("FloatStorage", "0", elements, 0, longs(elements), longs(1));
    }

    private static byte[] filled(RawPickle pickle, char opcode, int times) {
        return repeated(pickle, times, opcode);
    }

    private static byte[] repeated(RawPickle pickle, int times, int... opcodes) {
        for (int i = 0; i < times; i++) {
            pickle.raw(opcodes);
        }
        return pickle.stop();
    }

    /** Each dict holds the one before it twice. */
    private static RawPickle doubled(RawPickle pickle, int levels) {
        pickle.op('}');
        if (levels > 0) {
            doubled(pickle.raw('X', 1, 0, 0, 0, 'a'), levels - 1).raw('q', levels - 1).op('s');
            pickle.raw('X', 1, 0, 0, 0, 'b', 'h', levels - 1).op('s');
        }
        return pickle;
    }

    private static byte[] nested(int depth) {
        RawPickle pickle = new RawPickle(2).op('}');
        for (int i = 0; i < depth; i++) {
            pickle.raw('X', 1, 0, 0, 0, 'a').op('}');
        }
        for (int i = 0; i < depth; i++) {
            pickle.op('s');
        }
        return pickle.stop();
    }

    private static int indexOf(byte[] bytes, byte[] piece) {
        for (int i = 0; i + piece.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + piece.length, piece, 0, piece.length)) {
                return i;
            }
        }
        throw new IllegalStateException("not found");
    }
}
