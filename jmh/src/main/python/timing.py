"""Which of several ways to compute the same is the fastest here."""

import time

import torch

# A way that takes this much longer than the best so far is not tried again, and of one this slow a single run decides.
HOPELESS = 1.3
LONG = 1.0
SAMPLES = 3
SAMPLE_SECONDS = 0.02

device = "cpu"


def seconds(run, times):
    """Of so many runs, whatever must begin each of them left out."""
    if hasattr(run, "begin"):
        spent = 0
        for _ in range(times):
            run.begin()
            spent += seconds(run.__call__, 1)
        return spent
    if device != "cpu":
        return between_events(run, times)
    start = time.perf_counter()
    for _ in range(times):
        run()
    return time.perf_counter() - start


def between_events(run, times):
    """The device's own clock; it idles while python is late, as it would elsewhere."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return 1e-3 * start.elapsed_time(end)


def fastest(forms):
    """The best of (name, what makes a run): its name and its run. Each way warms up once, but for long ones."""
    best = failure = None
    for name, make in forms:
        try:
            run = make()
            taken = seconds(run, 1)
        except RuntimeError as e:
            if device == "cpu":
                raise
            failure = e  # not every device has every kernel
            continue
        if taken < LONG:
            taken = seconds(run, 1)
            if best is None or taken < HOPELESS * best[0]:
                times = max(1, int(SAMPLE_SECONDS / taken))
                taken = min(taken, *(seconds(run, times) / times for _ in range(SAMPLES)))
        if best is None or taken < best[0]:
            best = (taken, name, run)
    if best is None:
        raise failure
    return best[1], best[2]
