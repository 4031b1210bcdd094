#include "timestep_norm.h"

/* Timesteps seen before each chunk: one block of threads a sequence, each thread some neighbouring chunks. */
namespace ls::cuda::timestep_norm {

namespace {

/* Rows that count, since the last fresh one if there is any. */
struct Run {
    int64_t rows;
    int32_t fresh;

    LS_DEVICE int64_t after(int64_t count, int64_t fresh_count) const { return (fresh ? fresh_count : count) + rows; }
};

LS_DEVICE Run run_of(const Task &t, int64_t sequence, int64_t from, int64_t end) {
    const uint8_t *fresh = t.p.fresh, *padded = t.p.padded;
    Run run = {0, 0};
    if (!fresh && !padded) {
        run.rows = end - from;
        return run;
    }
    for (int64_t row = sequence * t.p.rows + from; row < sequence * t.p.rows + end; row++) {
        if (fresh && fresh[row]) {
            run = {0, 1};
        }
        run.rows += padded && padded[row] ? 0 : 1;
    }
    return run;
}

LS_KERNEL_OF(THREADS, 2) timestep_counts(Task t, int64_t *last) {
    Run *runs = shared_memory<Run>();
    int64_t *before = reinterpret_cast<int64_t *>(runs + THREADS), sequence = block_y(), fresh_count = *t.p.fresh_count;
    int me = thread_index();
    auto first_row = [&](int64_t chunk) { return chunk * ROWS < t.p.rows ? chunk * ROWS : t.p.rows; };
    int64_t from = t.chunks * me / THREADS, end = t.chunks * (me + 1) / THREADS;
    runs[me] = run_of(t, sequence, first_row(from), first_row(end));
    barrier();
    if (me == 0) {
        int64_t count = first_count(t.p, sequence);
        for (int i = 0; i < THREADS; i++) {
            before[i] = count;
            count = runs[i].after(count, fresh_count);
        }
        t.counts[sequence * (t.chunks + 1) + t.chunks] = count;
        if (last) {
            last[sequence] = count;
        }
    }
    barrier();
    int64_t count = before[me];
    for (int64_t chunk = from; chunk < end; chunk++) {
        t.counts[sequence * (t.chunks + 1) + chunk] = count;
        Run run = run_of(t, sequence, first_row(chunk), first_row(chunk + 1));
        t.resets[sequence * t.chunks + chunk] = (uint8_t)run.fresh;
        count = run.after(count, fresh_count);
    }
}

} // namespace

ls_status count_timesteps(const Task &t, int64_t *last, void *stream) {
    return LS_LAUNCH(timestep_counts, (Grid{1, t.p.batch}), THREADS, THREADS * (int64_t)(sizeof(Run) + sizeof(int64_t)),
                     stream, t, last);
}

} // namespace ls::cuda::timestep_norm
