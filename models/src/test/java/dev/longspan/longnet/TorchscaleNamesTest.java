package dev.longspan.longnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.longspan.checkpoint.Checkpoint;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TorchscaleNamesTest {

    @Test
    void theNamesOfAReferenceDecoderAreOurNamesAndBack() throws URISyntaxException {
        Path golden = Path.of(Objects.requireNonNull(
                getClass().getResource("/goldens/longnet/decoder_d01_subln_xpos.safetensors")).toURI());
        Set<String> theirs = new TreeSet<>();
        try (Checkpoint checkpoint = Checkpoint.open(golden)) {
            checkpoint.tensors().keySet().stream().filter(name -> name.startsWith("w."))
                    .forEach(name -> theirs.add(name.substring(2)));
        }
        Set<String> ours = new TreeSet<>();
        theirs.forEach(name -> ours.add(TorchscaleNames.MAP.toOwn(name)));
        try (Bench bench = new Bench()) {
            LongNet model = bench.model(Bench.awkward());
            assertThat(ours).isEqualTo(new TreeSet<>(model.parameters().keySet()));
        }
        Set<String> back = new TreeSet<>();
        ours.forEach(name -> back.add(TorchscaleNames.MAP.toForeign(name)));
        assertThat(back).isEqualTo(theirs);
    }

    @Test
    void theNamesOfOptionalPartsHaveCounterparts() {
        for (String own : List.of("positions.weight", "embeddingNorm.bias")) {
            assertThat(TorchscaleNames.MAP.toForeign(own)).isNotEqualTo(own);
            assertThat(TorchscaleNames.MAP.toOwn(TorchscaleNames.MAP.toForeign(own))).isEqualTo(own);
        }
    }
}
