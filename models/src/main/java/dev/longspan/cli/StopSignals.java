package dev.longspan.cli;

import dev.longspan.parallel.CancelSignal;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * SIGINT and SIGTERM raise a cancel signal so that the command can finish what it must; a second one ends the process at
 * once. A shutdown hook cannot do this: while hooks run, further signals wait. The JDK's handlers are reached by
 * reflection, as javac refuses to compile against them without a warning.
 */
final class StopSignals implements AutoCloseable {

    /** Numbers as on Linux; the exit status is 128 + number. */
    private static final Map<String, Integer> SIGNALS = Map.of("INT", 2, "TERM", 15);
    private static final int STATUS_BASE = 128;

    private final CancelSignal cancel = new CancelSignal();
    private final AtomicInteger caught = new AtomicInteger();
    private final List<Runnable> restore = new ArrayList<>();

    private StopSignals() {
    }

    /** Catches the signals until closed; where the JVM does not let it, they end the process as ever. */
    static StopSignals caught() {
        StopSignals signals = new StopSignals();
        try {
            for (Map.Entry<String, Integer> signal : SIGNALS.entrySet()) {
                signals.handle(signal.getKey(), signal.getValue());
            }
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            System.getLogger("dev.longspan.cli").log(System.Logger.Level.DEBUG, "signals are not caught", e);
        }
        return signals;
    }

    private void handle(String name, int number) throws ReflectiveOperationException {
        Class<?> signalClass = Class.forName("sun.misc.Signal");
        Class<?> handlerClass = Class.forName("sun.misc.SignalHandler");
        Constructor<?> make = signalClass.getConstructor(String.class);
        Method install = signalClass.getMethod("handle", signalClass, handlerClass);
        Object signal = make.newInstance(name);
        Object handler = Proxy.newProxyInstance(StopSignals.class.getClassLoader(), new Class<?>[] {handlerClass},
                (proxy, method, arguments) -> called(proxy, method.getName(), arguments, number));
        Object before = install.invoke(null, signal, handler);
        restore.add(() -> {
            try {
                install.invoke(null, signal, before);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @SuppressWarnings("ReferenceEquality") // a proxy is equal to itself alone
    private @Nullable Object called(Object proxy, String method, Object @Nullable [] arguments, int number) {
        return switch (method) {
            case "handle" -> {
                if (!caught.compareAndSet(0, number)) {
                    Runtime.getRuntime().halt(STATUS_BASE + number);
                }
                cancel.raise();
                yield null;
            }
            case "equals" -> arguments != null && proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> "StopSignals";
        };
    }

    /** Raised by the first signal. */
    CancelSignal cancel() {
        return cancel;
    }

    /** 128 + the number of the signal that came, if one did. */
    OptionalInt status() {
        int number = caught.get();
        return number == 0 ? OptionalInt.empty() : OptionalInt.of(STATUS_BASE + number);
    }

    @Override
    public void close() {
        restore.forEach(Runnable::run);
    }
}
