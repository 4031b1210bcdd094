#include "sizes.h"

#include <cstring>

/* Rows of a table and their gradients; ids outside it must not be followed. */
namespace {

struct Ids {
    Guarded<int64_t> wide;
    Guarded<int32_t> narrow;
    bool is_wide;

    Ids(int64_t n, int64_t vocabulary, bool is_wide, bool front, uint64_t seed)
        : wide(n, front), narrow(n, front), is_wide(is_wide) {
        for (int64_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            int64_t any = (int64_t)((seed >> 33) % (uint64_t)vocabulary);
            set(i, seed >> 60 < 6 ? vocabulary / 3 : any); /* one of them very often */
        }
    }

    void set(int64_t i, int64_t id) {
        wide[i] = id;
        narrow[i] = (int32_t)id;
    }

    const void *at() const { return is_wide ? static_cast<const void *>(wide.begin()) : narrow.begin(); }
};

void forward(int64_t n, int64_t vocabulary, int64_t d, int64_t gap, int half, bool front, bool spoilt) {
    Operand table((vocabulary - 1) * (d + gap) + d, half, front), y(n ? (n - 1) * (d + gap) + d : 0, half, front);
    Ids ids(n, vocabulary, front, front, n + d);
    Numbers numbers(n + d);
    numbers.fill(table.values);
    poison(y.values);
    if (spoilt) {
        ids.set(0, -1);
        ids.set(n - 1, vocabulary);
    }
    void *from = table.written(), *to = y.written();
    works(ls_cuda_embedding(from, d + gap, vocabulary, ids.at(), ids.is_wide, 0.5f, to, d + gap, n, d, half, nullptr));
    y.read();
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < d; j++) {
            float v = y.values[i * (d + gap) + j];
            if (spoilt && (i == 0 || i == n - 1)) {
                require(std::isnan(v), "rows of such ids are NaN");
            } else {
                close_to("y", i * d + j, v, 0.5 * table.values[ids.wide[i] * (d + gap) + j], half ? 0.02 : 0);
            }
        }
    }
}

void backward(int64_t n, int64_t vocabulary, int64_t d, int64_t gap, bool front, bool spoilt) {
    Guarded<float> dy((n - 1) * (d + gap) + d, front), table((vocabulary - 1) * (d + gap) + d, front),
        again(table.size(), front);
    Ids ids(n, vocabulary, !front, front, n + d + vocabulary);
    Guarded<char> scratch(ls_cuda_embedding_backward_scratch(n, d), true);
    std::memset(scratch.begin(), 0xff, scratch.size());
    Numbers numbers(n + d);
    numbers.fill(dy);
    numbers.fill(table);
    std::memcpy(again.begin(), table.begin(), table.size() * 4);
    if (spoilt) {
        ids.set(n / 2, INT32_MIN);
        ids.set(n - 1, vocabulary);
    }
    std::vector<double> expected, size;
    for (float v : table) {
        expected.push_back(v);
        size.push_back(1);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < d && ids.wide[i] >= 0 && ids.wide[i] < vocabulary; j++) {
            expected[ids.wide[i] * (d + gap) + j] += 0.5 * dy[i * (d + gap) + j];
            size[ids.wide[i] * (d + gap) + j]++;
        }
    }
    for (float *to : {table.begin(), again.begin()}) {
        works(ls_cuda_embedding_backward(ids.at(), ids.is_wide, 0.5f, dy, d + gap, to, d + gap, vocabulary, n, d,
                                         scratch, nullptr));
    }
    for (int64_t i = 0; i < table.size(); i++) {
        close_to("dTable", i, table[i], expected[i], 1e-6 * (1 + std::sqrt(size[i])));
    }
    require(std::memcmp(table.begin(), again.begin(), table.size() * 4) == 0, "the same bits every time");
}

} // namespace

int main() {
    for (int64_t d : {1, 3, 4, 8, 17, 32, 40, 130, 264}) {
        each_storage(true, [&](int half, bool front) {
            forward(0, 5, d, 0, half, front, false);
            forward(1, 1, d, 0, half, front, false);
            forward(13, 7, d, d % 8, half, front, false);
            forward(40, 300, d, 8, half, front, true);
        });
        for (bool front : {false, true}) {
            backward(1, 1, d, 0, front, false);
            backward(33, 2, d, 1, front, false);
            backward(64, 300, d, 0, front, true);
        }
    }
    for (bool spoilt : {false, true}) {
        backward(130, 1, 4, 0, true, spoilt);
        backward(700, 3, 5, 0, false, spoilt);
        backward(2500, 300, 4, 0, true, spoilt);
        backward(5000, 70000, 2, 0, false, spoilt); /* three digits */
    }
    std::puts("embedding: ok");
}
