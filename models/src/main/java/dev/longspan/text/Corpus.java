package dev.longspan.text;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/**
 * Documents to train on and documents held out, in the order of their names.
 *
 * @param name what it is called in logs: {@code jdk}, {@code longspan} or {@code folder}
 * @param origin where it was read from, for people
 */
public record Corpus(String name, String origin, List<Document> train, List<Document> heldOut) {

    private static final BigInteger HELD_OUT_SHARE = BigInteger.valueOf(20);

    public Corpus {
        train = List.copyOf(train);
        heldOut = List.copyOf(heldOut);
        if (train.isEmpty()) {
            throw new IllegalArgumentException("no text to train on: data=" + origin);
        }
    }

    /**
     * Holds out a twentieth: documents whose SHA-256 of the name is 0 modulo 20. Where that is none, the smallest hash, and
     * of a single document its last twentieth.
     */
    public static Corpus split(String name, String origin, List<Document> documents) {
        List<Document> sorted = documents.stream().filter(d -> d.text().length > 0)
                .sorted(Comparator.comparing(Document::name)).toList();
        if (sorted.size() == 1) {
            return cut(name, origin, sorted.getFirst());
        }
        List<Document> heldOut = new ArrayList<>(sorted.stream()
                .filter(d -> hash(d.name()).mod(HELD_OUT_SHARE).signum() == 0).toList());
        if ((heldOut.isEmpty() || heldOut.size() == sorted.size()) && !sorted.isEmpty()) {
            heldOut.clear();
            heldOut.add(sorted.stream().min(Comparator.comparing(d -> hash(d.name()))).orElseThrow());
        }
        List<Document> train = new ArrayList<>(sorted);
        train.removeAll(heldOut);
        return new Corpus(name, origin, train, heldOut);
    }

    private static Corpus cut(String name, String origin, Document only) {
        int at = only.text().length - Math.max(1, only.text().length / 20);
        return new Corpus(name, origin,
                at == 0 ? List.of() : List.of(new Document(only.name(), Arrays.copyOf(only.text(), at))),
                List.of(new Document(only.name() + " (end)", Arrays.copyOfRange(only.text(), at, only.text().length))));
    }

    public static long bytes(List<Document> documents) {
        return documents.stream().mapToLong(d -> d.text().length).sum();
    }

    /** SHA-256 over names and texts: a resumed run must read the same bytes. */
    public String fingerprint() {
        MessageDigest digest = sha256();
        for (List<Document> part : List.of(train, heldOut)) {
            for (Document document : part) {
                digest.update((document.name() + "\0" + document.text().length + "\0").getBytes(StandardCharsets.UTF_8));
                digest.update(document.text());
            }
            digest.update((byte) '\n');
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static BigInteger hash(String name) {
        return new BigInteger(1, sha256().digest(name.getBytes(StandardCharsets.UTF_8)));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
