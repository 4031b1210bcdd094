package dev.longspan.cli;

import dev.longspan.text.Sources;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the reference implementations' numbers lie: beside the launcher, or in a checkout. */
final class Goldens {

    /** The folder that holds the launcher's bin and lib; the launcher sets it. */
    static final String HOME = "longspan.home";

    private Goldens() {
    }

    /** The goldens of an architecture; throws IllegalArgumentException naming the places where they were looked for. */
    static Path folder(String architecture) {
        List<Path> places = Stream.concat(
                Stream.ofNullable(System.getProperty(HOME)).map(home -> Path.of(home, "goldens", architecture)),
                Sources.project().stream().map(p -> p.resolve("models/src/test/resources/goldens/" + architecture))).toList();
        return places.stream().filter(Files::isDirectory).findFirst().orElseThrow(() ->
                new IllegalArgumentException("no goldens found: looked in " + places + " (make dist puts them beside the launcher)"));
    }
}
