#include "ids.h"
#include "kernels.h"
#include "simd.h"

#include <cinttypes>

namespace ls::LS_TIER {

namespace {

ls_status outside(int64_t id, int64_t i, int64_t vocabulary) {
    return bad("ids must be within the table: ids[%" PRId64 "]=%" PRId64 ", vocabulary=%" PRId64, i, id, vocabulary);
}

} // namespace

ls_status embedding(const float *table, int64_t table_row, int64_t vocabulary, const void *ids, int32_t wide, float scale,
                    float *y, int64_t y_row, int64_t n, int64_t d) {
    Ids id{ids, wide};
    for (int64_t i = 0; i < n; i++) {
        if (id[i] < 0 || id[i] >= vocabulary) {
            return outside(id[i], i, vocabulary);
        }
        const float *from = table + id[i] * table_row;
        sweep(d, [&](int64_t j, auto in) { store(y + i * y_row + j, load(from + j, in) * scale, in); });
    }
    return LS_OK;
}

ls_status embedding_backward(const void *ids, int32_t wide, float scale, const float *dy, int64_t dy_row, float *d_table,
                             int64_t table_row, int64_t vocabulary, int64_t n, int64_t d) {
    Ids id{ids, wide};
    for (int64_t i = 0; i < n; i++) {
        if (id[i] < 0 || id[i] >= vocabulary) {
            return outside(id[i], i, vocabulary);
        }
        float *to = d_table + id[i] * table_row;
        sweep(d, [&](int64_t j, auto in) {
            store(to + j, fma(load(dy + i * dy_row + j, in), broadcast(scale), load(to + j, in)), in);
        });
    }
    return LS_OK;
}

} // namespace ls::LS_TIER
