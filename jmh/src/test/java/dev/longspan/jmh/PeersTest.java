package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeersTest {

    @TempDir
    Path folder;

    @AfterEach
    void forget() {
        System.clearProperty(TorchPeer.PYTHON);
        System.clearProperty("longspan.peers.jvm");
    }

    @Test
    void whatIsNotThereIsAbsentWithTheReason() {
        System.setProperty(TorchPeer.PYTHON, folder.resolve("no-python").toString());
        System.setProperty("longspan.peers.jvm", folder.resolve("somebody/target").toString());
        try (Peers peers = Peers.find()) {
            assertThat(peers.absent().get("PyTorch")).contains("no python3 that runs");
            assertThat(peers.absent()).containsEntry("somebody", "not built: make peers");
            assertThat(peers.versions()).doesNotContainKeys("PyTorch", "somebody");
        }
    }

    @Test
    void aPeerThatCannotSayItsVersionIsAbsent() {
        try (Peers peers = new Peers()) {
            peers.add(new Peer() {
                @Override
                public String name() {
                    return "Broken";
                }

                @Override
                public String version() {
                    throw new UnsupportedOperationException("its library is not there");
                }

                @Override
                public Optional<Side> on(Task task, int threads) {
                    throw new AssertionError("asked though absent");
                }
            });
            assertThat(peers.absent()).containsExactly(Map.entry("Broken", "its library is not there"));
            assertThat(peers.sides(new Task("gemm", Map.of(), Map.of(), Map.of()), 1)).isEmpty();
        }
    }

    @Test
    void pythonsErrorsAreReasons() throws Exception {
        Path python = Files.writeString(folder.resolve("python"), "#!/bin/sh\nread line\necho '{\"error\": \"no torch\"}'\n");
        assertThat(python.toFile().setExecutable(true)).isTrue();
        System.setProperty(TorchPeer.PYTHON, python.toString());
        try (TorchPeer peer = new TorchPeer()) {
            assertThatThrownBy(peer::version).isInstanceOf(UnsupportedOperationException.class).hasMessage("no torch");
        }
    }

    @Test
    void aReplyIsAnObjectOrAReason() {
        assertThat(TorchPeer.reply("{\"seconds\": 0.5}")).isEqualTo(Map.of("seconds", 0.5));
        assertThatThrownBy(() -> TorchPeer.reply(null)).hasMessage("python ended");
        assertThatThrownBy(() -> TorchPeer.reply("{\"error\": \"RuntimeError: x\"}")).hasMessage("RuntimeError: x");
    }
}
