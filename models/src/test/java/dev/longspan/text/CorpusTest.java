package dev.longspan.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {

    @TempDir
    private Path folder;

    @Test
    void aTwentiethOfManyDocumentsIsHeldOutWhateverTheirOrder() {
        List<Document> documents = IntStream.range(0, 1000).mapToObj(i -> document("d" + i, "x")).toList();
        Corpus corpus = Corpus.split("c", "here", documents);
        assertThat(corpus.heldOut()).hasSizeBetween(30, 75);
        assertThat(corpus.train()).hasSize(1000 - corpus.heldOut().size()).doesNotContainAnyElementsOf(corpus.heldOut());
        Corpus reversed = Corpus.split("c", "here", documents.reversed());
        assertThat(reversed).isEqualTo(corpus);
        assertThat(reversed.fingerprint()).isEqualTo(corpus.fingerprint());
    }

    @Test
    void ofTwoDocumentsOneIsHeldOutAndOfOneItsEnd() {
        Corpus two = Corpus.split("c", "here", List.of(document("a", "first"), document("b", "second")));
        assertThat(two.train()).hasSize(1);
        assertThat(two.heldOut()).hasSize(1);
        Corpus one = Corpus.split("c", "here", List.of(document("a", "0123456789".repeat(4))));
        assertThat(Corpus.bytes(one.train())).isEqualTo(38);
        assertThat(new String(one.heldOut().getFirst().text(), StandardCharsets.UTF_8)).isEqualTo("89");
    }

    @Test
    void anEmptyFolderIsRefusedByName() {
        assertThatIllegalArgumentException().isThrownBy(() -> Sources.folder(folder)).withMessageContaining(folder.toString());
    }

    @Test
    void aFolderIsReadWithoutHiddenAndBinaryFiles() throws IOException {
        Files.createDirectories(folder.resolve("sub/.hidden"));
        Files.writeString(folder.resolve("sub/b.txt"), "bb");
        Files.writeString(folder.resolve("a.txt"), "aaa");
        Files.writeString(folder.resolve("sub/.hidden/c.txt"), "no");
        Files.writeString(folder.resolve(".d"), "no");
        Files.write(folder.resolve("binary"), new byte[] {1, 0, 2});
        Corpus corpus = Sources.folder(folder);
        assertThat(Corpus.bytes(corpus.train()) + Corpus.bytes(corpus.heldOut())).isEqualTo(5);
        assertThat(corpus.train().getFirst().name() + " " + corpus.heldOut().getFirst().name()).contains("sub/b.txt", "a.txt");
    }

    @Test
    void theJdksSourcesSplitAsTheSpecificationCounted() throws IOException {
        Path zip = Sources.jdkZip().orElse(null);
        Assumptions.assumeTrue(zip != null, "this JDK has no lib/src.zip");
        Corpus corpus = Sources.jdk(zip);
        assertThat(corpus.heldOut().size() / (double) (corpus.train().size() + corpus.heldOut().size())).isBetween(0.03, 0.07);
        assertThat(corpus.train()).allSatisfy(d -> assertThat(d.name()).startsWith("java.base/java/"));
        long licensed = corpus.train().stream().filter(d -> new String(d.text(), StandardCharsets.UTF_8)
                .contains("GNU General Public License")).count();
        assertThat(licensed).isLessThan(corpus.train().size() / 20);
        if (System.getProperty("java.version").equals("25.0.3")) {
            assertThat(corpus.train()).hasSize(1520);
            assertThat(corpus.heldOut()).hasSize(79);
        }
    }

    @Test
    void onlyALeadingCommentAboutLicencesIsStripped() {
        assertThat(strip("/*\n * Copyright (c) 1\n */\n\npackage a;")).isEqualTo("package a;");
        assertThat(strip("  /* License: X */class A {}")).isEqualTo("class A {}");
        assertThat(strip("/** What it does. */ class A {}")).isEqualTo("/** What it does. */ class A {}");
        assertThat(strip("class A {} /* Copyright */")).isEqualTo("class A {} /* Copyright */");
        assertThat(strip("/* Copyright without end")).isEqualTo("/* Copyright without end");
        assertThat(strip("/")).isEqualTo("/");
        assertThat(strip("")).isEmpty();
    }

    private static String strip(String text) {
        return new String(LicenceHeader.strip(text.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
    }

    private static Document document(String name, String text) {
        return new Document(name, text.getBytes(StandardCharsets.UTF_8));
    }
}
