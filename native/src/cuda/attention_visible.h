#pragma once

#include "philox.h"

#include <climits>

/* Which rows a task selects, and which of its keys a query sees: numbers only, so that nothing is stored per row. */
namespace ls::cuda {

using Params = ls_cuda_attention_params;
using Task = ls_cuda_attention_task;

/* Row t is start + t / run · period + t % run. */
struct Rows {
    int64_t start, run, period;

    LS_DEVICE int64_t at(int t) const {
        return run == 1 ? start + t * period : start + (uint32_t)t / (uint32_t)run * period + (uint32_t)t % (uint32_t)run;
    }

    /* How many of the first `count` rows lie before place `end`. */
    LS_DEVICE int before(int64_t end, int64_t count) const {
        if (end <= start) {
            return 0;
        }
        if (period == 1) {
            return (int)(end - start < count ? end - start : count);
        }
        int64_t whole = (end - start) / period, rest = (end - start) % period;
        int64_t rows = whole > count ? count : whole * run + (rest < run ? rest : run);
        return (int)(rows < count ? rows : count);
    }
};

LS_DEVICE Rows query_rows(const Task &t) { return {t.query_start, t.query_run, t.query_period}; }
LS_DEVICE Rows key_rows(const Task &t) { return {t.key_start, t.key_run, t.key_period}; }
LS_DEVICE Rows key_positions(const Task &t) { return {t.position_start, t.position_run, t.position_period}; }

/* The keys of a task that a query sees: numbers first to end, neither of which moves back as the query advances. */
struct Interval {
    int first, end;
};

/* Narrows [lower, upper) to the document that holds the position. */
LS_DEVICE void within_document(const Params &p, int batch, int64_t position, int64_t &lower, int64_t &upper) {
    const int64_t *starts = p.documents + batch * p.documents_batch;
    int64_t low = 0, high = p.document_count; /* the document is the last that starts at or before the position */
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        (starts[middle] <= position ? low : high) = middle;
    }
    lower = starts[low] > lower ? starts[low] : lower;
    int64_t next = low + 1 < p.document_count ? starts[low + 1] : INT64_MAX;
    upper = next < upper ? next : upper;
}

LS_DEVICE Interval visible(const Params &p, const Task &task, int batch, int t) {
    int64_t position = p.first_query + query_rows(task).at(t);
    int64_t lower = 0, upper = p.causal ? position + 1 : INT64_MAX;
    if (p.block > 0) {
        int64_t own = position / p.block;
        lower = own > p.before ? (own - p.before) * p.block : 0;
        /* Beyond the last block there may be no number for the end. */
        int64_t end = p.after < INT64_MAX / p.block - own - 1 ? (own + p.after + 1) * p.block : INT64_MAX;
        upper = end < upper ? end : upper;
    }
    if (p.blockwise > 0) {
        int64_t half = p.blockwise / 2, start = (position / half - 1) * half;
        lower = start > lower ? start : lower;
    }
    if (p.documents) {
        within_document(p, batch, position, lower, upper);
    }
    Rows keys = key_positions(task);
    return {keys.before(lower, task.keys), keys.before(upper, task.keys)};
}

/* The first of `count` queries for which past(t) holds, which then holds for all behind it; whole warps. */
template <class Past> LS_DEVICE int first_past(int count, Past past) {
    int low = 0, high = count;
    while (low < high) {
        int stride = (high - low + WARP - 1) / WARP, t = low + lane() * stride;
        int not_past = (int)warp_sum((float)(t < high && !past(t)));
        int reached = low + not_past * stride;
        low = not_past == 0 ? low : reached - stride + 1;
        high = not_past == 0 ? low : (reached < high ? reached : high);
    }
    return low;
}

/* The epoch of the decay that holds a position below 2^52. A division would be a call, with all sums alive. */
LS_DEVICE int64_t epoch_of(const Params &p, double inverse_epoch, int64_t position) {
    int64_t epoch = (int64_t)((double)position * inverse_epoch), rest = position - epoch * p.epoch;
    return epoch + (rest >= p.epoch) - (rest < 0);
}

/* Decay of a dimension over a distance in epochs. */
LS_DEVICE float decay(const Params &p, int d, int64_t epochs) {
    double power = p.decay[d] * (double)epochs;
    if (power < -126) {
        return 0;
    }
    double whole = rint(power);
    return exp2f((float)(power - whole)) * float_of((uint32_t)((whole > 127 ? 127 : (int)whole) + 127) << 23);
}

/* 0 hides; what a mask says of a query row and a key row. */
LS_DEVICE bool unmasked(const Params &p, int batch, int64_t query_row, int64_t key_row) {
    return p.mask[batch * p.mask_batch + query_row * p.mask_row + key_row * p.mask_col] != 0;
}

/* Whether dropout takes the weight of a key row under a query row. */
LS_DEVICE bool dropped(const Params &p, int64_t batch_head, int64_t query_row, int64_t key_row) {
    uint64_t seed = (uint64_t)p.drop_seed ^ (uint64_t)batch_head * 0x9E3779B97F4A7C15ull;
    uint64_t stream = (uint64_t)p.drop_stream ^ (uint64_t)query_row * 0xD1B54A32D192ED03ull;
    return uniform((int64_t)seed, (int64_t)stream, key_row) < p.drop_rate;
}

} // namespace ls::cuda
