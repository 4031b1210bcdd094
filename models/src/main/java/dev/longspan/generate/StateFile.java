package dev.longspan.generate;

import dev.longspan.checkpoint.ModelFormatException;
import dev.longspan.checkpoint.Safetensors;
import dev.longspan.nn.LanguageModel;
import dev.longspan.nn.SavedState;
import dev.longspan.nn.StreamState;
import dev.longspan.tensor.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Continuation} in a file, to go on with later and elsewhere: a safetensors file of the tensors of the model's
 * state, with {@value #UNREAD} and {@value #UNFINISHED} beside {@code format} in its metadata. Written whole or not at all:
 * after a failure or a crash the file holds what it held before. Checksums tell a damaged file.
 */
public final class StateFile {

    static final String FORMAT_KEY = "format";
    static final String FORMAT = "longspan-state-1";
    static final String UNREAD = "unread";
    static final String UNFINISHED = "unfinished";

    private StateFile() {
    }

    /** Replaces or creates a file; throws CheckpointIOException where it cannot, and then the old one is whole. */
    public static void save(Path file, Continuation<?> from) {
        Safetensors.save(file, from.state().tensors(), Map.of(FORMAT_KEY, FORMAT, UNREAD, Integer.toString(from.unread()),
                UNFINISHED, from.unfinished()));
    }

    /**
     * What was saved, in the arena. Throws ModelFormatException where the file is damaged, no state file, of more than one
     * sequence, or the state of another model.
     */
    public static <S extends StreamState> Continuation<S> read(Path file, LanguageModel<S> model, TensorArena arena) {
        if (Files.isDirectory(file)) {
            throw wrong(file, "a folder, not a state file");
        }
        try (Safetensors saved = Safetensors.open(file)) {
            if (!FORMAT.equals(saved.metadata().get(FORMAT_KEY))) {
                throw wrong(file, "not a state file: " + FORMAT_KEY + " must be " + FORMAT + ": " + FORMAT_KEY + "="
                        + saved.metadata().get(FORMAT_KEY));
            }
            return read(saved, model, arena);
        } catch (IllegalArgumentException e) {
            throw wrong(file, String.valueOf(e.getMessage()));
        }
    }

    private static <S extends StreamState> Continuation<S> read(Safetensors saved, LanguageModel<S> model, TensorArena arena) {
        SavedState.Place place = SavedState.of(saved.tensors()).place();
        if (place.batch() != 1) { // before memory is taken for as many
            throw new IllegalArgumentException("the state must be of one sequence: batch=" + place.batch());
        }
        S state = model.restore(arena, saved.tensors());
        Set<String> unknown = new LinkedHashSet<>(saved.tensors().keySet());
        unknown.removeAll(state.tensors().keySet());
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("the model's state has no tensor " + unknown.iterator().next());
        }
        return new Continuation<>(state, Integer.parseInt(text(saved, UNREAD)), text(saved, UNFINISHED));
    }

    private static String text(Safetensors saved, String key) {
        @Nullable String value = saved.metadata().get(key);
        if (value == null) {
            throw new IllegalArgumentException("metadata must have " + key);
        }
        return value;
    }

    private static ModelFormatException wrong(Path file, String problem) {
        return new ModelFormatException(file, ModelFormatException.NO_OFFSET, null, problem);
    }
}
