package dev.longspan.model;

import java.util.List;
import java.util.stream.Collectors;

/** The architectures that a program offers. */
public record Architectures(List<Architecture> all) {

    public Architectures {
        all = List.copyOf(all);
    }

    /** The architecture of that name; throws IllegalArgumentException where there is none. */
    public Architecture named(String name) {
        return all.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow(() ->
                new IllegalArgumentException("architecture must be one of "
                        + all.stream().map(Architecture::name).collect(Collectors.joining(", ")) + ": architecture=" + name));
    }
}
