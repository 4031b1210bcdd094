package dev.longspan.jmh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeersTest {

    private static final Task TASK = new Task("gemm", Map.of(), Map.of(), Map.of());

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
            assertThat(peers.sides(TASK, 1, (name, why) -> { })).isEmpty();
        }
    }

    @Test
    void aPeerThatFailsAtATaskHidesNoOther() {
        List<String> refused = new ArrayList<>();
        Side side = new Side() {
            @Override
            public double seconds(int times) {
                return 1;
            }

            @Override
            public void answer() {
            }

            @Override
            public void close() {
            }
        };
        try (Peers peers = new Peers()) {
            peers.add(peer("failing", () -> {
                throw new IllegalStateException("no kernel");
            }));
            peers.add(peer("other", () -> side));
            assertThat(peers.sides(TASK, 1, (name, why) -> refused.add(name + ": " + why))).containsExactly(Map.entry("other", side));
            assertThat(refused).containsExactly("failing: java.lang.IllegalStateException: no kernel");
        }
    }

    private static Peer peer(String name, Supplier<Side> side) {
        return new Peer() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public String version() {
                return "1";
            }

            @Override
            public Optional<Side> on(Task task, int threads) {
                return Optional.of(side.get());
            }
        };
    }

    @Test
    void aPythonThatEndsIsStartedAgainForTheNextTask() throws Exception {
        Path python = Files.writeString(folder.resolve("python"), """
                #!/bin/sh
                read line
                echo '{"version": "1"}'
                read line
                echo '{"forms": {"": "way"}}'
                """);
        assertThat(python.toFile().setExecutable(true)).isTrue();
        System.setProperty(TorchPeer.PYTHON, python.toString());
        try (TorchPeer peer = new TorchPeer()) {
            assertThat(peer.version()).isEqualTo("1");
            Side side = peer.on(TASK, 1).orElseThrow();
            assertThatThrownBy(() -> side.seconds(1)).hasMessageContaining("python ended");
            side.close();
            // The next python's first reply is a version.
            assertThat(peer.sides(TASK, 1)).isEmpty();
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
