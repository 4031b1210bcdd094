package dev.longspan.jmh;

/** A downcall: it throws what a method handle may, which a C function never does. */
interface Call {

    void run() throws Throwable;

    static void of(Call call) {
        try {
            call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a C function threw", e);
        }
    }
}
