#include "families.h"

namespace {

void tables(int64_t d, bool front) {
    int64_t vocabulary = 7, n = 11;
    Numbers numbers(d + 4);
    Guarded<float> table(vocabulary * d, front), y(n * d, front), d_table(vocabulary * d, front);
    Guarded<int64_t> ids(n, front);
    numbers.fill(table);
    for (int64_t i = 0; i < n; i++) ids[i] = i * 5 % vocabulary;
    ok(ls_embedding(table, d, vocabulary, ids, 1, 2, y, d, n, d));
    ok(ls_embedding_backward(ids, 1, 2, y, d, d_table, d, vocabulary, n, d));
    for (int64_t i = 0; i < n * d; i++) close_to("embedding", i, y[i], 2.0 * table[ids[i / (d ? d : 1)] * d + i % d], 1e-6);
    for (int64_t v = 0; v < vocabulary; v++) {
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t i = 0; i < n; i++) sum += ids[i] == v ? 2.0 * y[i * d + j] : 0;
            close_to("embedding's gradient", v * d + j, d_table[v * d + j], sum, 1e-4);
        }
    }
    ids[3] = vocabulary;
    require(ls_embedding(table, d, vocabulary, ids, 1, 2, y, d, n, d) == LS_BAD_ARGUMENT, "an id outside the table");
}

} // namespace

void embedding_test() {
    for (int64_t n : sizes()) {
        tables(n, false);
        tables(n, true);
    }
}
