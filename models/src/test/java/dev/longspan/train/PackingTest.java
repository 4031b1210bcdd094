package dev.longspan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.megalodon.Megalodon;
import dev.longspan.megalodon.MegalodonConfig;
import dev.longspan.op.Loss;
import dev.longspan.parallel.CancelSignal;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.tensor.TensorArena;
import dev.longspan.text.Document;
import dev.longspan.text.Windows;
import dev.longspan.train.TrainSettings.Packing;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackingTest {

    private static final TrainSettings PACKED = TrainSettings.standard(48, 3, 5).withPacking(Packing.DOCUMENTS);
    private static final List<Document> TEXTS = IntStream.range(0, 20).mapToObj(i -> new Document("d" + i,
            ("text " + i + " of length " + i * i).repeat(1 + i % 3).getBytes(StandardCharsets.UTF_8))).toList();

    @Test
    void theLossOfPackedDocumentsIsThatOfEachDocumentAlone() {
        Windows windows = new Windows(TEXTS, 5);
        long[] window = new long[49];
        windows.read(0, window);
        long[] starts = Windows.starts(window, 48);
        assertThat(starts).hasSizeGreaterThan(1).startsWith(0);
        try (TensorArena arena = new TensorArena(); Workspace workspace = new Workspace()) {
            Megalodon model = Megalodon.create(MegalodonConfig.of(256, 16, 2, 2, 8, 16, 24, 8, 4), arena, DType.F32, 3);
            double sum = 0;
            try (Pass pass = Pass.inference(Backend.best(), Parallel.all(), workspace)) {
                for (int i = 0; i < starts.length; i++) {
                    int from = (int) starts[i];
                    int to = i + 1 < starts.length ? (int) starts[i + 1] : 48;
                    Tensor tokens = pass.allocate(DType.I32, 1, to - from).set(Arrays.copyOfRange(window, from, to));
                    Tensor targets = pass.allocate(DType.I32, 1, to - from).set(Arrays.copyOfRange(window, from + 1, to + 1));
                    sum += Arrays.stream(Loss.crossEntropy(pass, model.logits(pass, tokens), targets).toDoubles()).sum();
                }
            }
            double stream = loss(model, PACKED.withPacking(Packing.STREAM));
            assertThat(loss(model, PACKED)).isCloseTo(sum / 48, within(1e-5)).isNotCloseTo(stream, within(1e-4));
        }
    }

    /** Of a first step that learns nothing. */
    private static double loss(Megalodon model, TrainSettings settings) {
        try (Trainer trainer = new Trainer(Backend.best(), Parallel.all(), model, new Windows(TEXTS, 5),
                settings.withLearningRate(0))) {
            return trainer.next(new CancelSignal()).loss();
        }
    }

    @Test
    void everySeparatorStartsADocumentAndSoDoesTheWindow() {
        assertThat(Windows.starts(new long[] {0, 7, 0, 8, 8, 0}, 5)).containsExactly(0, 2);
        assertThat(Windows.starts(new long[] {7, 0, 0, 8}, 4)).containsExactly(0, 1, 2);
    }

    @Test
    void aModelThatCannotKeepDocumentsApartIsRefused() {
        try (TensorArena arena = new TensorArena()) {
            assertThatIllegalArgumentException().isThrownBy(() -> new Trainer(Backend.best(), Parallel.all(),
                    Bigram.create(arena, 256, 4, 1), new Windows(TEXTS, 5), PACKED)).withMessageContaining("packing=documents");
        }
    }

    @Test
    void packingIsSavedWithTheRunAndAbsentInEarlierOnes() {
        assertThat(TrainSettings.of(PACKED.toMap())).isEqualTo(PACKED);
        var earlier = PACKED.toMap();
        earlier.remove("packing");
        assertThat(TrainSettings.of(earlier).packing()).isEqualTo(Packing.STREAM);
        earlier.put("packing", "nonsense");
        assertThatIllegalArgumentException().isThrownBy(() -> TrainSettings.of(earlier));
    }
}
