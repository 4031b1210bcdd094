package dev.longspan.checkpoint;

import dev.longspan.checkpoint.Pickled.Dict;
import dev.longspan.checkpoint.Pickled.StoredTensor;
import dev.longspan.checkpoint.Pickled.StoredValues;
import dev.longspan.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the tensors in the bytes of a torch.save file: the archive's parts, the pickle's dicts, each view's bounds. */
final class TorchReader {

    private static final int MAX_DEPTH = 32;
    private static final int MAX_NAME = 1024;

    /** Shared storages make a file hold more than its bytes; a model that shares every layer stays below this. */
    private static final long MAX_SHARING = 64;

    private final Path file;
    private final MemorySegment bytes;
    private final StoredZip zip;
    private final String folder;
    private final Map<String, TorchView> views = new LinkedHashMap<>();
    private final Set<Dict> dicts = Collections.newSetFromMap(new IdentityHashMap<>());
    private long viewedBytes;

    private TorchReader(Path file, MemorySegment bytes, StoredZip zip, String folder) {
        this.file = file;
        this.bytes = bytes;
        this.zip = zip;
        this.folder = folder;
    }

    /** Every tensor of the file by its name, the keys of nested dicts joined by dots. */
    static Map<String, TorchView> read(Path file, MemorySegment bytes, StoredZip zip) {
        return new TorchReader(file, bytes, zip, folder(file, zip)).read();
    }

    /** Throws ModelFormatException where the first bytes are those of torch.save before 1.6. */
    static void checkIsZip(Path file, MemorySegment bytes) {
        if (bytes.byteSize() >= 2 && bytes.get(ValueLayout.JAVA_BYTE, 0) == (byte) 0x80
                && bytes.get(ValueLayout.JAVA_BYTE, 1) <= 5) {
            throw new ModelFormatException(file, 0, null, "the format of torch.save before 1.6 (a bare pickle, no zip archive) is"
                    + " not read: load it with torch and save it again");
        }
    }

    private static String folder(Path file, StoredZip zip) {
        List<String> pickles = zip.entries().stream().map(StoredZip.Entry::name)
                .filter(name -> name.endsWith("/data.pkl") && name.indexOf('/') == name.length() - "/data.pkl".length()).toList();
        boolean script = zip.entries().stream().map(entry -> entry.name().substring(entry.name().indexOf('/') + 1))
                .anyMatch(name -> name.startsWith("code/") || name.equals("constants.pkl"));
        if (script) {
            throw new ModelFormatException(file, 0, null, "a TorchScript archive holds a program and is not read:"
                    + " save the state_dict of the module instead");
        }
        if (pickles.size() != 1) {
            throw new ModelFormatException(file, 0, null, "not a torch.save file: it must hold one folder with a data.pkl: found "
                    + pickles.size());
        }
        return pickles.getFirst().substring(0, pickles.getFirst().lastIndexOf('/') + 1);
    }

    private Map<String, TorchView> read() {
        for (StoredZip.Entry entry : zip.entries()) {
            if (!entry.name().startsWith(folder)) {
                throw wrong(entry.header(), null, "entry \"" + entry.name() + "\" must lie in the folder " + folder);
            }
        }
        checkText("byteorder", Set.of("little"), "little");
        checkText("version", Set.of("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"), null);
        StoredZip.Entry pickle = entry("data.pkl", 0);
        if (pickle.size() > HeaderReader.MAX_BYTES) {
            throw wrong(pickle.at(), null, "pickle must not exceed " + HeaderReader.MAX_BYTES + " bytes: pickle=" + pickle.size());
        }
        Pickled root = PickleMachine.run(file, pickle.at(), bytes.asSlice(pickle.at(), pickle.size()));
        if (!(root instanceof Dict dict)) {
            throw wrong(pickle.at(), null, "a checkpoint must be a dict of tensors, not " + root.kind());
        }
        flatten(dict, "", 0, pickle.at());
        return views;
    }

    private void checkText(String name, Set<String> known, @Nullable String otherwise) {
        if (otherwise != null && zip.entry(folder + name).isEmpty()) {
            return;
        }
        StoredZip.Entry entry = entry(name, 0);
        byte[] text = bytes.asSlice(entry.at(), Math.min(entry.size(), 16)).toArray(ValueLayout.JAVA_BYTE);
        String value = new String(text, StandardCharsets.ISO_8859_1).strip();
        if (!known.contains(value)) {
            throw wrong(entry.at(), null, name + " must be " + known.stream().sorted().collect(Collectors.joining(", ")) + ": "
                    + name + "=" + ModelFormatException.printable(value));
        }
    }

    private void flatten(Dict dict, String prefix, int depth, long at) {
        if (depth == MAX_DEPTH || !dicts.add(dict)) {
            throw wrong(at, prefix, depth == MAX_DEPTH ? "dicts must not lie deeper than " + MAX_DEPTH
                    : "a dict must not stand in several places");
        }
        for (int i = 0; i < dict.size(); i++) {
            String name = prefix + dict.key(i);
            if (name.length() > MAX_NAME) {
                throw wrong(at, name, "name must not have more than " + MAX_NAME + " characters");
            }
            switch (dict.value(i)) {
                case Dict inner -> flatten(inner, name + ".", depth + 1, at);
                case StoredTensor tensor -> add(name, tensor);
                case Pickled other -> throw wrong(at, name, "a checkpoint must hold tensors only, this is " + other.kind());
            }
        }
    }

    private void add(String name, StoredTensor tensor) {
        StoredValues stored = tensor.storage();
        DType dtype = stored.type().dtype().orElseThrow(() -> wrong(tensor.at(), name, "dtype is not supported: "
                + stored.type().qualifiedName() + ", expected one of " + Arrays.toString(DType.values())));
        StoredZip.Entry entry = entry("data/" + stored.key(), tensor.at());
        if (stored.elements() > entry.size() || stored.elements() * dtype.bytes() != entry.size()) {
            throw wrong(tensor.at(), name, "storage " + stored.key() + " must be as long as its entry: " + stored.elements()
                    + " elements of " + dtype + ", entry=" + entry.size() + " bytes");
        }
        if (!Json.isWellFormed(name) || views.size() == HeaderReader.MAX_TENSORS) {
            throw wrong(tensor.at(), name, "a file must not have more than " + HeaderReader.MAX_TENSORS
                    + " tensors, their names Unicode text");
        }
        TorchView view;
        try {
            view = TorchView.of(entry, dtype, tensor);
        } catch (IllegalArgumentException e) {
            throw wrong(tensor.at(), name, String.valueOf(e.getMessage()));
        }
        viewedBytes += view.elements() * dtype.bytes(); // each at most the file's size
        if (viewedBytes / MAX_SHARING > bytes.byteSize()) {
            throw wrong(tensor.at(), name, "tensors must not view their storages more than " + MAX_SHARING + " times over");
        }
        if (views.put(name, view) != null) {
            throw wrong(tensor.at(), name, "duplicate name");
        }
    }

    private StoredZip.Entry entry(String name, long at) {
        return zip.entry(folder + name).orElseThrow(() -> wrong(at, null, "the archive has no entry " + folder + name));
    }

    private ModelFormatException wrong(long at, @Nullable String tensor, String problem) {
        return new ModelFormatException(file, at, tensor, problem);
    }
}
