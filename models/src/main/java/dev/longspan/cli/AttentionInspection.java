package dev.longspan.cli;

import dev.longspan.checkpoint.Checkpoint;
import dev.longspan.plot.HeatMap;
import dev.longspan.recall.AttentionMass;
import dev.longspan.recall.CurriculumRun;
import dev.longspan.recall.RmtFolder;
import dev.longspan.recall.RowPart;
import dev.longspan.recall.Watched;
import dev.longspan.rmt.AttentionMap;
import dev.longspan.task.Place;
import dev.longspan.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Draws what the rows of a document's segments look at: the memory operations of arXiv 2304.11062, figure 6. */
final class AttentionInspection {

    private static final List<String> LIBRARIES = List.of("org.knowm.xchart.HeatMapChart", "org.apache.batik.svggen.SVGGraphics2D");
    private static final String MEAN = "mean";
    private static final String ROW = "%7s %5s %4s  %-9s %7s %7s %9s %7s %7s  %s";

    @Option(names = "--attention", required = true, paramLabel = "DIR",
            description = "Read a story with a recurrent memory instead, and draw its attention maps into a folder, as PNG and SVG; "
                    + "--seed draws other stories.")
    private Path folder;

    @Option(names = "--segments", paramLabel = "LIST|all", converter = Choice.Converter.class,
            description = "Segments to draw, such as 1,4 (default: all).")
    private Choice segments = Choice.ALL;

    @Option(names = "--layer", paramLabel = "LIST|all", converter = Choice.Converter.class,
            description = "Layers to draw, from 1 (default: all).")
    private Choice layers = Choice.ALL;

    @Option(names = "--head", paramLabel = "H|mean", converter = Choice.MeanConverter.class,
            description = "Heads to draw, from 1, each for itself (default: the mean over all).")
    private Choice heads = Choice.ALL;

    @ArgGroup(exclusive = false)
    private ToldStory story = new ToldStory();

    /** Reads and draws; {@code path} is a model's folder or a run's, whose last stage counts. */
    void draw(Path path, Main main) throws IOException {
        // Before anything of AWT is loaded: with a DISPLAY that cannot be reached it would fail.
        System.setProperty("java.awt.headless", "true");
        requireLibraries();
        Path model = CurriculumRun.lastStage(path);
        RmtFolder rmt = RmtFolder.open(model);
        ToldStory.Told told = story.tell(rmt, main.seed());
        int count = rmt.shape().recurrence().bounds(told.document().length()).length - 1;
        List<Integer> wanted = segments.among("segment", count).stream().map(number -> number - 1).toList();
        List<Integer> layer = layers.among("layer", rmt.shape().layers());
        heads.among("head", rmt.shape().heads());
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new IllegalArgumentException("--attention must name a folder: " + folder);
        }
        Files.createDirectories(folder);
        Output output = main.output();
        output.line("%s  %d segments, %,d tokens", model, count, told.document().length());
        told.lines().forEach(line -> output.line("  %s", line));
        output.line(ROW, "segment", "layer", "head", "rows", "facts", "memory", "question", "noise", "frame", "");
        List<Map<String, Object>> maps = new ArrayList<>();
        Place says;
        try (TensorArena arena = new TensorArena(); Checkpoint weights = RmtFolder.weights(model)) {
            says = Place.of(Watched.read(main.backend(), main.parallel(), rmt.load(model, weights, arena), rmt.vocabulary(),
                    told.document(), wanted, watched -> layer.forEach(number ->
                            maps.addAll(draw(watched.layers().get(number - 1), watched.parts(), count, output)))));
        }
        output.line("the model says %s%s", says.word(), told.answer() == null ? ""
                : says == told.answer() ? ", which is right" : ", but it is " + told.answer().word());
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", model);
        result.put("segments", count);
        result.put("tokens", told.document().length());
        result.put("story", told.lines());
        result.put("says", says.word());
        if (told.answer() != null) {
            result.put("answer", told.answer().word());
        }
        result.put("maps", maps);
        output.result(result);
    }

    private List<Map<String, Object>> draw(AttentionMap map, List<RowPart> parts, int count, Output output) {
        if (heads.numbers().isEmpty()) {
            return List.of(draw(map, MEAN, map.mean(), parts, count, output));
        }
        return heads.numbers().stream()
                .map(head -> draw(map, String.valueOf(head), map.heads().get(head - 1), parts, count, output)).toList();
    }

    private Map<String, Object> draw(AttentionMap map, String head, double[][] values, List<RowPart> parts, int count,
            Output output) {
        int segment = map.segment() + 1;
        int layer = map.layer() + 1;
        AttentionMass mass = AttentionMass.of(values, parts);
        List<Path> files;
        try {
            files = new HeatMap("segment %d of %d, layer %d, %s".formatted(segment, count, layer,
                    head.equals(MEAN) ? "mean of %d heads".formatted(map.heads().size()) : "head " + head), map.labels(), values)
                    .write(folder, "segment-%d-layer-%d%s".formatted(segment, layer, head.equals(MEAN) ? "" : "-head-" + head));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        print(output, segment, layer, head, "all alike", mass.uniform(), "");
        print(output, segment, layer, head, "memory", mass.memory(), String.join("  ", files.stream().map(Path::toString).toList()));
        print(output, segment, layer, head, "[CLS]", mass.cls(), "");
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("segment", segment);
        row.put("layer", layer);
        row.put("head", head);
        row.put("uniform", toMap(mass.uniform()));
        row.put("memory", toMap(mass.memory()));
        row.put("cls", toMap(mass.cls()));
        row.put("files", files);
        return row;
    }

    private static void print(Output output, int segment, int layer, String head, String rows, Map<RowPart, Double> mass,
            String files) {
        output.line(ROW, segment, layer, head, rows, percent(mass, RowPart.FACTS), percent(mass, RowPart.MEMORY),
                percent(mass, RowPart.QUESTION), percent(mass, RowPart.NOISE), percent(mass, RowPart.FRAME), files);
    }

    private static String percent(Map<RowPart, Double> mass, RowPart part) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * mass.getOrDefault(part, 0.0));
    }

    private static Map<String, Object> toMap(Map<RowPart, Double> mass) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (RowPart part : RowPart.values()) {
            map.put(part.name().toLowerCase(Locale.ROOT), mass.getOrDefault(part, 0.0));
        }
        return map;
    }

    /** The libraries are optional to those who use only the models. */
    private static void requireLibraries() {
        for (String name : LIBRARIES) {
            try {
                Class.forName(name, false, AttentionInspection.class.getClassLoader());
            } catch (ClassNotFoundException e) {
                throw new UnsupportedOperationException("maps are drawn with XChart and Batik's svggen, which are not there: "
                        + "start bin/longspan, or put both on the class path (" + name + ")", e);
            }
        }
    }
}
