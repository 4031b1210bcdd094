package dev.longspan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.json.Json;
import dev.longspan.recall.Curriculum;
import dev.longspan.recall.Origin;
import dev.longspan.recall.Recipe;
import dev.longspan.recall.RmtFolder;
import dev.longspan.recall.RmtShape;
import dev.longspan.rmt.Alignment;
import dev.longspan.task.MemoryTask;
import dev.longspan.task.Place;
import dev.longspan.task.Placement;
import dev.longspan.task.Vocabulary;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Corpus;
import dev.longspan.text.Sources;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** An untrained model with a memory of 2 and segments of 9 tokens: 14 rows each. */
final class InspectAttentionTest {

    private static final int ROWS = 14;

    @TempDir
    private Path temp;

    private Path model;
    private Path maps;

    @BeforeEach
    void write() throws IOException {
        Path texts = Files.createDirectory(temp.resolve("texts"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(texts.resolve("f" + i + ".txt"), "there is a word and another word in file " + i + " of these. "
                    .repeat(200));
        }
        Corpus noise = Sources.folder(texts);
        Vocabulary words = Vocabulary.of(noise, 128);
        RmtShape shape = new RmtShape(RmtShape.Style.ROTARY, words.size(), 16, 2, 2, 32, 0.1, 2, ROWS, Alignment.RIGHT,
                Place.values().length, 0, words.special());
        Curriculum curriculum = Recipe.paper(MemoryTask.DETECT, words, 3).curriculum();
        model = temp.resolve("model");
        maps = temp.resolve("maps");
        try (TensorArena arena = new TensorArena()) {
            new RmtFolder(shape, words, new Origin(MemoryTask.DETECT, Placement.ANYWHERE, noise.name(),
                    noise.origin(), noise.fingerprint(), curriculum, 4))
                    .write(model, shape.create(arena, 5).parameters());
        }
    }

    private CommandLineRun inspect(String... options) {
        return CommandLineRun.of(Stream.concat(Stream.of("inspect", model.toString(), "--threads", "1"), Stream.of(options))
                .toArray(String[]::new));
    }

    private Map<String, ?> json(String... options) {
        CommandLineRun run = inspect(Stream.concat(Stream.of("--format", "json", "--attention", maps.toString()), Stream.of(options))
                .toArray(String[]::new));
        assertThat(run.status()).as(run.err()).isZero();
        return Json.object(run.out());
    }

    @Test
    void mapsAreAPngThatDecodesAndAnSvgWithACellForEveryPair() throws Exception {
        Map<String, ?> result = json("--segments", "1,4");
        List<?> drawn = (List<?>) result.get("maps");
        assertThat(drawn).hasSize(2 * 2);
        try (Stream<Path> files = Files.list(maps)) {
            assertThat(files.map(file -> String.valueOf(file.getFileName()))).containsExactlyInAnyOrder(
                    "segment-1-layer-1.png", "segment-1-layer-1.svg", "segment-1-layer-2.png", "segment-1-layer-2.svg",
                    "segment-4-layer-1.png", "segment-4-layer-1.svg", "segment-4-layer-2.png", "segment-4-layer-2.svg");
        }
        BufferedImage png = ImageIO.read(maps.resolve("segment-4-layer-2.png").toFile());
        assertThat(png.getWidth()).isEqualTo(png.getHeight()).isGreaterThan(14 * ROWS);
        assertThat(IntStream.range(0, png.getWidth()).map(i -> png.getRGB(i, i)).distinct().count()).isGreaterThan(ROWS / 2);
        // The JDK's parser would fetch a DTD that the file names.
        Element svg = DocumentBuilderFactory.newDefaultNSInstance().newDocumentBuilder()
                .parse(maps.resolve("segment-4-layer-2.svg").toFile()).getDocumentElement();
        assertThat(svg.getOwnerDocument().getDoctype()).isNull();
        assertThat(svg.getNamespaceURI()).isEqualTo("http://www.w3.org/2000/svg");
        assertThat(sizes(svg.getElementsByTagNameNS("*", "rect")).values()).contains(ROWS * ROWS);
    }

    /** Rectangles by their size: those of the cells are alike. */
    private static Map<String, Integer> sizes(NodeList rectangles) {
        Map<String, Integer> sizes = new HashMap<>();
        for (int i = 0; i < rectangles.getLength(); i++) {
            Element rectangle = (Element) rectangles.item(i);
            sizes.merge(rectangle.getAttribute("width") + " x " + rectangle.getAttribute("height"), 1, Integer::sum);
        }
        return sizes;
    }

    @Test
    void theMassOfEveryRowIsOneAndTheFactsAreWhereTheyWereTold() {
        List<?> drawn = (List<?>) json("--layer", "1", "--head", "2", "--tokens", "33", "--fact", "Mary went to the garden.",
                "--question", "Where is Mary?").get("maps");
        List<Double> facts = new ArrayList<>();
        List<Double> questions = new ArrayList<>();
        for (Object one : drawn) {
            Map<?, ?> map = (Map<?, ?>) one;
            assertThat(map.get("head")).isEqualTo("2");
            for (String who : List.of("uniform", "memory", "cls")) {
                Map<?, ?> mass = (Map<?, ?>) map.get(who);
                assertThat(mass.values().stream().mapToDouble(share -> ((Number) share).doubleValue()).sum())
                        .as("%s of %s", who, map).isCloseTo(1, within(1e-9));
            }
            facts.add(share(map, "uniform", "facts") * (facts.isEmpty() ? ROWS - 3 : ROWS));
            questions.add(share(map, "uniform", "question") * (questions.isEmpty() ? ROWS - 3 : ROWS));
            assertThat(share(map, "memory", "memory")).isPositive();
            assertThat(share(map, "memory", "memory")).isNotEqualTo(share(map, "cls", "memory"));
        }
        // 33 tokens are segments of 6, 9, 9 and 9: the fact fills the first.
        assertThat(facts.stream().map(Math::round)).containsExactly(6L, 0L, 0L, 0L);
        assertThat(questions.stream().map(Math::round)).containsExactly(0L, 0L, 0L, 4L);
        assertThat(maps.resolve("segment-1-layer-1-head-2.svg")).exists();
    }

    private static double share(Map<?, ?> map, String who, String part) {
        Map<?, ?> mass = (Map<?, ?>) map.get(who);
        return mass == null || !(mass.get(part) instanceof Number share) ? Double.NaN : share.doubleValue();
    }

    @Test
    void textHasTheStoryTheFilesAndWhatTheModelSays() {
        CommandLineRun run = inspect("--attention", maps.toString(), "--segments", "2", "--layer", "1");
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out()).contains("4 segments, 36 tokens", "Where is ", "all alike", "memory", "[CLS]", "the model says ",
                maps.resolve("segment-2-layer-1.png").toString(), maps.resolve("segment-2-layer-1.svg").toString());
    }

    @Test
    void whatCannotBeDrawnIsOneLine() throws IOException {
        String there = maps.toString();
        refuses(ExitStatus.USAGE, "segment must be from 1 to 4: segment=5", "--attention", there, "--segments", "1,5");
        refuses(ExitStatus.USAGE, "layer must be from 1 to 2: layer=3", "--attention", there, "--layer", "3");
        refuses(ExitStatus.USAGE, "head must be from 1 to 2: head=3", "--attention", there, "--head", "3");
        refuses(ExitStatus.USAGE, "give one of them", "--attention", there, "--length", "2", "--tokens", "20");
        refuses(ExitStatus.USAGE, "--fact and --question go together", "--attention", there, "--question", "Where is Mary?");
        refuses(ExitStatus.USAGE, "word=\"zebra\"", "--attention", there, "--fact", "zebra", "--question", "Where is Mary?");
        refuses(ExitStatus.USAGE, "--reject-nonfinite", "--attention", there, "--reject-nonfinite");
        assertThat(maps).as("nothing is made before all is checked").doesNotExist();
        Path file = Files.writeString(temp.resolve("file"), "");
        refuses(ExitStatus.USAGE, "--attention must name a folder", "--attention", file.toString());
        refuses(ExitStatus.NO_RESOURCES, file.toString(), "--attention", file.resolve("below").toString());
        Path config = model.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"encoder\"", "\"decoder\""));
        refuses(ExitStatus.BAD_FILE, "layout", "--attention", there);
        Files.writeString(config, "{\"architecture\": \"longnet\"}");
        refuses(ExitStatus.BAD_FILE, "architecture must be rmt: architecture=longnet", "--attention", there);
        assertThat(inspect("--segments", "1").err()).contains("--attention");
    }

    private void refuses(int status, String problem, String... options) {
        CommandLineRun run = inspect(options);
        assertThat(run.err()).startsWith("error: ").contains(problem).hasLineCount(1);
        assertThat(run.status()).as(run.err()).isEqualTo(status);
    }
}
