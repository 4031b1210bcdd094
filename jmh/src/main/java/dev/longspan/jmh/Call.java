package dev.longspan.jmh;

/** A downcall: it throws what a method handle may, which a C function never does. */
interface Call {

    void run() throws Throwable;

    /** A call that gives a number. */
    interface Result {
        double get() throws Throwable;
    }

    static void of(Call call) {
        number(() -> {
            call.run();
            return 0;
        });
    }

    static double number(Result call) {
        try {
            return call.get();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a C function threw", e);
        }
    }
}
