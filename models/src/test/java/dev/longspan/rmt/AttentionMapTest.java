package dev.longspan.rmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.longspan.autograd.Pass;
import dev.longspan.autograd.Workspace;
import dev.longspan.backend.Backend;
import dev.longspan.longnet.Bench;
import dev.longspan.longnet.LongNetEncoder;
import dev.longspan.nn.SelfAttention;
import dev.longspan.nn.TransformerBlock;
import dev.longspan.op.Attention;
import dev.longspan.parallel.Parallel;
import dev.longspan.tensor.DType;
import dev.longspan.tensor.Tensor;
import dev.longspan.transformer.Bert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AttentionMapTest {

    private final Bench bench = new Bench();

    @AfterEach
    void close() {
        bench.close();
    }

    private RmtEncoder model() {
        return Rmts.encoder(bench, Rmts.ENCODER, Rmts.bert(bench, DType.F64));
    }

    /** Maps of document 1 in every segment, made in a pass of their own. */
    private static List<List<AttentionMap>> maps(Bench bench, RmtEncoder model, List<TokenSource> documents) {
        List<List<AttentionMap>> maps = new ArrayList<>();
        try (Workspace other = new Workspace(1 << 20)) {
            model.read(bench::inference, bench.arena, documents, segment -> {
                if (segment.rows().contains(1)) {
                    try (Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), other)) {
                        maps.add(AttentionMap.of(pass, model, segment, 1, token -> "t" + token));
                    }
                }
            });
        }
        return maps;
    }

    @Test
    void everyRowSumsToOneAndIsNamed() {
        // Cut from the end: document 1 has segments of 2 and 5 tokens, the first of them with padding behind it.
        List<List<AttentionMap>> maps = maps(bench, model(), Rmts.documents(1, 12, 7));
        assertThat(maps).hasSize(2);
        assertThat(maps.getFirst()).hasSize(2);
        assertThat(maps.getFirst().getFirst().labels()).hasSize(2 + 3 + 3)
                .startsWith("[CLS]", "[mem 1]", "[mem 2]", "[mem 3]", "[SEP]").endsWith("[SEP]");
        for (List<AttentionMap> segment : maps) {
            for (AttentionMap map : segment) {
                List<double[][]> all = new ArrayList<>(map.heads());
                all.add(map.mean());
                for (double[][] rows : all) {
                    for (double[] row : rows) {
                        assertThat(row).hasSize(map.labels().size());
                        assertThat(Arrays.stream(row).sum()).isCloseTo(1, within(1e-12));
                    }
                }
                double[][] mean = map.mean();
                assertThat(mean[3][1]).isCloseTo((map.heads().get(0)[3][1] + map.heads().get(1)[3][1]) / 2, within(1e-15));
            }
        }
    }

    @Test
    void probabilitiesTimesValuesAreWhatTheKernelGivesUnderItsMask() {
        RmtEncoder model = model();
        List<TokenSource> documents = Rmts.documents(1, 12, 7);
        List<List<AttentionMap>> maps = maps(bench, model, documents);
        Bert bert = (Bert) model.backbone();
        int[] segments = {0};
        model.read(bench::inference, bench.arena, documents, segment -> {
            int at = segment.rows().indexOf(1);
            if (at < 0) {
                return;
            }
            List<AttentionMap> own = maps.get(segments[0]++);
            int visible = own.getFirst().labels().size();
            try (Workspace other = new Workspace(1 << 20);
                    Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), other)) {
                Tensor mask = pass.allocate(DType.U8, 1, 1, segment.embedded().size(1)).fill(0);
                mask.slice(2, 0, visible).fill(1);
                Tensor x = pass.allocate(DType.F64, 1, segment.embedded().size(1), 12)
                        .copyFrom(segment.embedded().slice(0, at, at + 1));
                List<Tensor> states = bert.encoder().states(pass,
                        bert.typed(pass, x, pass.zeros(DType.I64, 1, x.size(1))), mask, 0);
                for (AttentionMap map : own) {
                    check(pass, bert.encoder().layers().get(map.layer()), states.get(map.layer()), mask, map);
                }
            }
        });
        assertThat(segments[0]).isEqualTo(2);
    }

    private static void check(Pass pass, TransformerBlock block, Tensor x, Tensor mask, AttentionMap map) {
        SelfAttention attention = block.attention();
        SelfAttention.Heads heads = attention.project(pass, x, 0);
        Tensor seen = Attention.apply(pass, attention.plan().withMask(mask), heads.queries(), heads.keys(), heads.values()).out();
        int rows = map.labels().size();
        for (int head = 0; head < attention.heads(); head++) {
            for (int q = 0; q < rows; q++) {
                double[] expected = seen.select(0, 0).select(0, q).select(0, head).toDoubles();
                double[] actual = new double[expected.length];
                for (int k = 0; k < rows; k++) {
                    double[] value = heads.values().select(0, 0).select(0, k).select(0, head).toDoubles();
                    for (int i = 0; i < actual.length; i++) {
                        actual[i] += map.heads().get(head)[q][k] * value[i];
                    }
                }
                assertThat(actual).as("segment %d, layer %d, head %d, row %d", map.segment(), map.layer(), head, q)
                        .containsExactly(expected, within(1e-12));
            }
        }
    }

    @Test
    void otherBackbonesAndRowsThatTakeNoPartAreRefused() {
        RmtEncoder dilated = Rmts.encoder(bench, Rmts.ENCODER,
                Objects.requireNonNull(Rmts.encoders(bench, DType.F64).get("LongNet")));
        assertThat(dilated.backbone()).isInstanceOf(LongNetEncoder.class);
        assertThatIllegalArgumentException().isThrownBy(() -> maps(bench, dilated, Rmts.documents(1, 5, 5)))
                .withMessageContaining("attention maps need dense attention");
        RmtEncoder model = model();
        assertThatIllegalArgumentException().isThrownBy(() -> model.read(bench::inference, bench.arena, Rmts.documents(1, 5),
                segment -> {
                    try (Workspace other = new Workspace(1 << 20);
                            Pass pass = Pass.inference(Backend.named("scalar"), Parallel.of(1), other)) {
                        AttentionMap.of(pass, model, segment, 3, String::valueOf);
                    }
                })).withMessage("row must take part in the segment: row=3, rows=[0]");
    }
}
