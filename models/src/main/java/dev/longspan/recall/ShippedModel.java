package dev.longspan.recall;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.model.ModelFolder;
import dev.longspan.task.Vocabulary;
import dev.longspan.train.RunFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * The trained memory that comes with the classes, as resources: a model folder and the log of its training, which
 * {@code make train-rmt} repeats. Weights are mapped from files, so it is used where it has been copied to.
 */
public final class ShippedModel {

    /** The names of its files. */
    public static final Set<String> FILES = Set.of(ModelFolder.CONFIG, Checkpoint.FILE, Vocabulary.FILE, RunFolder.LOG);

    private static final String RESOURCES = "shipped/";

    private ShippedModel() {
    }

    /** Copies its files into a folder that has none of them. */
    public static void writeTo(Path folder) throws IOException {
        for (String name : FILES) {
            try (InputStream resource = ShippedModel.class.getResourceAsStream(RESOURCES + name)) {
                if (resource == null) {
                    throw new IOException("these classes came without their trained memory: resource=" + RESOURCES + name);
                }
                Files.copy(resource, folder.resolve(name));
            }
        }
    }
}
