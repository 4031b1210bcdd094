package dev.longspan.model;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A kind of language model: its presets, and how a configuration of it is read. */
public interface Architecture {

    /** The key of config.json that names the architecture. */
    String KEY = "architecture";

    /** What config.json and {@code --arch} call it, such as {@code longnet}. */
    String name();

    /** Names of the presets, smallest first. */
    List<String> presets();

    /** The configuration of a preset for training at {@code context} tokens over {@code vocabulary} ids. */
    Map<String, @Nullable Object> preset(String preset, long context, long vocabulary);

    /** Checks a configuration (as config.json holds it, {@value #KEY} left out); throws IllegalArgumentException naming what is wrong. */
    Blueprint read(Map<String, @Nullable Object> config);
}
