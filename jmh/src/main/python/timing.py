"""Which of several ways to compute the same is the fastest here."""

import time

# A way that takes this much longer than the best so far is not tried again, and of one this slow a single run decides.
HOPELESS = 1.3
LONG = 1.0
SAMPLES = 3
SAMPLE_SECONDS = 0.02


def seconds(run, times):
    """Of so many runs, whatever must begin each of them left out."""
    if hasattr(run, "begin"):
        spent = 0
        for _ in range(times):
            run.begin()
            spent += seconds(run.__call__, 1)
        return spent
    start = time.perf_counter()
    for _ in range(times):
        run()
    return time.perf_counter() - start


def fastest(forms):
    """The best of (name, what makes a run): its name and its run. Each way warms up once, but for long ones."""
    best = None
    for name, make in forms:
        run = make()
        taken = seconds(run, 1)
        if taken < LONG:
            taken = seconds(run, 1)
            if best is None or taken < HOPELESS * best[0]:
                times = max(1, int(SAMPLE_SECONDS / taken))
                taken = min(taken, *(seconds(run, times) / times for _ in range(SAMPLES)))
        if best is None or taken < best[0]:
            best = (taken, name, run)
    return best[1], best[2]
