package dev.longspan.jmh;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.BiConsumer;

/** The peers that run here, and why the others do not. */
final class Peers implements AutoCloseable {

    /** Folders of peers on the JVM, separated as class paths are: each holds {@code classes} and {@code lib}. */
    private static final String PROPERTY = "longspan.peers.jvm";

    private final List<Peer> present = new ArrayList<>();
    private final Map<String, String> versions = new LinkedHashMap<>();
    private final Map<String, String> absent = new LinkedHashMap<>();

    /** Every peer that is known. */
    static Peers find() {
        Peers peers = new Peers();
        peers.add(new CPeer());
        peers.add(new TorchPeer());
        for (String folder : System.getProperty(PROPERTY, "").split(File.pathSeparator, -1)) {
            if (!folder.isEmpty()) {
                peers.load(Path.of(folder));
            }
        }
        return peers;
    }

    /** Takes a peer in, or notes why it cannot run. */
    void add(Peer peer) {
        try {
            versions.put(peer.name(), peer.version());
            present.add(peer);
        } catch (UnsupportedOperationException | LinkageError e) {
            absent.put(peer.name(), String.valueOf(e.getMessage()));
            peer.close();
        }
    }

    /** Each on a class path of its own: two of them bring different versions of one library. */
    private void load(Path folder) {
        String name = folder.getParent().getFileName().toString();
        File[] jars = folder.resolve("lib").toFile().listFiles((in, file) -> file.endsWith(".jar"));
        if (jars == null || !folder.resolve("classes").toFile().isDirectory()) {
            absent.put(name, "not built: make peers");
            return;
        }
        List<URL> urls = new ArrayList<>(List.of(url(folder.resolve("classes").toUri())));
        for (File jar : jars) {
            urls.add(url(jar.toURI()));
        }
        // Open until the JVM ends, as its native libraries are.
        ClassLoader loader = new URLClassLoader(name, urls.toArray(URL[]::new), Peers.class.getClassLoader());
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            ServiceLoader.load(Peer.class, loader).stream().filter(p -> loader.equals(p.type().getClassLoader()))
                    .map(ServiceLoader.Provider::get).forEach(this::add);
        } catch (ServiceConfigurationError e) {
            absent.put(name, String.valueOf(e.getMessage()));
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static URL url(URI of) {
        try {
            return of.toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("a file must have a URL: file=" + of, e);
        }
    }

    /** The side of a peer by name; empty where it is absent or does not know the task. */
    Optional<Side> side(String name, Task task, int threads) {
        return present.stream().filter(p -> p.name().equals(name)).findFirst().flatMap(p -> p.on(task, threads));
    }

    /** The task on every peer that knows it, by name; {@code refused} hears why others fail. */
    Map<String, Side> sides(Task task, int threads, BiConsumer<String, String> refused) {
        Map<String, Side> sides = new LinkedHashMap<>();
        present.forEach(peer -> Turns.attempt(peer.name(), () -> sides.putAll(peer.sides(task, threads)), refused));
        return sides;
    }

    /** Of those present, by name. */
    Map<String, String> versions() {
        return versions;
    }

    /** Why, by name. */
    Map<String, String> absent() {
        return absent;
    }

    @Override
    public void close() {
        present.forEach(Peer::close);
    }
}
