#include "attention_checks.h"

/* Attention's kernels against plain loops in double: sizes at tiles' edges, all patterns, both types. */
namespace {

using namespace cases;

void sizes(bool half) {
    for (int64_t n : {1, 2, 17, 40, 63, 64, 65, 129}) {
        Case c({1, 1, n, n, 24, 8, half}, (uint64_t)n);
        c.p.causal = n % 2;
        c.tasks = {dense(c.s)};
        both("sizes", c);
    }
    for (int64_t n = 1; n <= 40; n++) {
        Case c({1, 1, n, 41 - n, 8, 8, half}, (uint64_t)n);
        c.tasks = {dense(c.s)};
        forward("small sizes", c);
    }
    for (int64_t d : {1, 8, 24, 48, 64, 80, 128, 256}) {
        Case c({1, d < 256 ? 2 : 1, 20, 70, d, d < 256 ? d : 300, half, d % 3}, (uint64_t)d);
        c.all_heads([&](int64_t) { return std::vector<Task>{dense(c.s)}; });
        both("dims", c);
    }
    Case wide({1, 1, 5, 9, 16, 2048, half}, 5);
    wide.tasks = {dense(wide.s)};
    both("2,048 values", wide);
    /* Rows and columns that fill a block, and one more of each. */
    Case full({1, 1, 65, 130, 40, 513, half}, 6);
    full.p.causal = 1;
    full.p.first_query = 60;
    full.tasks = {dense(full.s)};
    both("513 values", full);
}

/* Segments of `segment` positions, of which a head keeps each dilation-th from its phase on. */
std::vector<Task> segments(const Case &c, int64_t segment, int64_t dilation, int64_t phase, bool pads) {
    std::vector<Task> tasks;
    for (int64_t start = 0; start < c.s.keys; start += segment) {
        int64_t end = std::min(start + segment, c.s.keys), rows = (end - start - phase + dilation - 1) / dilation;
        if (start + phase < end) {
            tasks.push_back(of_rows(start + phase, dilation, rows, start + phase, dilation, rows,
                                    pads ? (segment + dilation - 1) / dilation - rows : 0));
        }
    }
    return tasks;
}

struct Pattern {
    const char *name;
    Sizes s;
    std::function<void(Case &)> set;
};

void all_dense(Case &c) {
    c.all_heads([&](int64_t) { return std::vector<Task>{dense(c.s)}; });
}

const std::vector<Pattern> PATTERNS = {
    {"dilated", {2, 3, 50, 50, 16, 24}, [](Case &c) {
         c.all_heads([&](int64_t h) { return segments(c, 20, 3, h % 3, true); });
     }},
    {"dilated, causal", {1, 4, 260, 260, 8, 8}, [](Case &c) {
         c.p.causal = 1;
         c.all_heads([&](int64_t h) { return segments(c, 201, 2, h / 2, false); });
     }},
    {"a chunk from the middle", {1, 2, 9, 64, 8, 16}, [](Case &c) {
         c.p.causal = 1;
         c.p.first_query = 33;
         c.all_heads([&](int64_t) { return std::vector<Task>{of_rows(0, 1, 7, 32, 1, 8), of_rows(7, 1, 2, 40, 1, 8)}; });
     }},
    {"local blocks", {1, 1, 150, 140, 8, 8}, [](Case &c) {
         c.p.block = 7, c.p.before = 1, c.p.after = 2;
         all_dense(c);
     }},
    {"summaries of earlier blocks", {1, 2, 70, 70, 8, 8}, [](Case &c) {
         c.p.causal = 1;
         c.p.block = 8, c.p.before = INT64_MAX, c.p.after = -1;
         c.all_heads([&](int64_t h) {
             int64_t start = 8 - (h + 1) * 3, keys = 8 * 3 + std::min<int64_t>(3, std::max<int64_t>(0, 70 - 64 - start));
             return std::vector<Task>{{0, 0, 1, 1, 70, start, 3, 8, keys, start, 3, 8, 0}};
         });
     }},
    {"keys without gaps", {1, 3, 6, 40, 8, 8}, [](Case &c) {
         c.p.causal = 1;
         c.p.first_query = 100;
         c.all_heads([&](int64_t h) { return std::vector<Task>{{0, h, 1, 3, 2, 0, 1, 1, 4 + h, 90 + h + 1, 1, 3, 0}}; });
     }},
    {"blockwise", {1, 1, 140, 140, 8, 8}, [](Case &c) {
         c.p.causal = 1;
         c.p.blockwise = 10;
         all_dense(c);
     }},
    {"documents", {2, 1, 90, 90, 8, 8}, [](Case &c) {
         c.documents = {0, 5, 71, INT64_MAX, 0, 17, 18, 80};
         c.p.document_count = c.p.documents_batch = 4;
         all_dense(c);
     }},
    {"a mask", {2, 2, 66, 70, 8, 8}, [](Case &c) {
         c.mask.resize((size_t)(2 * 66 * 70));
         for (size_t i = 0; i < c.mask.size(); i++) {
             c.mask[i] = i % 7 != 0 && i / 70 != 5;
         }
         c.p.mask_batch = 66 * 70, c.p.mask_row = 70, c.p.mask_col = 1;
         all_dense(c);
     }},
    {"a mask of keys", {2, 1, 10, 70, 8, 8}, [](Case &c) {
         c.mask.assign(70, 1);
         std::fill(c.mask.begin(), c.mask.begin() + 66, 0);
         c.p.mask_col = 1;
         all_dense(c);
     }},
    {"decay", {1, 2, 80, 80, 24, 8}, [](Case &c) {
         c.p.causal = 1;
         c.p.epoch = 7;
         for (int64_t d = 0; d < 24; d++) {
             c.decay.push_back(-0.05 * (double)d);
         }
         c.all_heads([&](int64_t h) { return segments(c, 75, 1 + h, h, false); });
     }},
    {"dropout", {2, 2, 70, 66, 8, 8}, [](Case &c) {
         c.p.drop_rate = 0.3;
         c.p.drop_seed = 12345678912345, c.p.drop_stream = -77;
         all_dense(c);
     }},
    {"a negative scale", {1, 1, 20, 70, 8, 8}, [](Case &c) {
         c.p.scale = -0.5;
         all_dense(c);
     }},
    {"no scale", {1, 1, 3, 70, 8, 8}, [](Case &c) {
         c.p.scale = 0;
         c.p.causal = 1;
         all_dense(c);
     }},
    {"few queries", {1, 1, 2, 1100, 8, 72}, [](Case &c) {
         c.p.causal = 1;
         c.p.first_query = 1090;
         c.all_heads([&](int64_t) { return std::vector<Task>{of_rows(0, 1, 2, 0, 1, 1100)}; });
     }},
};

/* With `wide` values several warps share a tile of probabilities; of these either type takes every other pattern. */
void patterns(bool half, bool wide) {
    for (size_t n = wide ? half : 0; n < PATTERNS.size(); n += wide ? 2 : 1) {
        const Pattern &pattern = PATTERNS[n];
        Sizes s = pattern.s;
        s.half = half;
        s.value_dim += wide ? 128 : 0;
        Case c(s, 3);
        pattern.set(c);
        /* Half of the rows have seen keys before. */
        for (int64_t i = 1; i < c.lse.size(); i += 2) {
            c.lse[i] = (float)(i % 5) - 2;
        }
        Numbers(9).fill(c.out.memory.values);
        both(pattern.name, c);
    }
}

void refusals() {
    Case c({1, 1, 2, 2, 300, 8}, 1);
    c.tasks = {dense(c.s)};
    Params p = c.params();
    require(ls_cuda_attention(&p, nullptr) == LS_BAD_ARGUMENT, "300 dimensions");
    p.dim = 8;
    p.size = 8;
    require(ls_cuda_attention_backward(&p, nullptr) == LS_BAD_ARGUMENT, "another struct");
    p.size = sizeof p;
    p.task_count = 0;
    require(ls_cuda_attention(&p, nullptr) == LS_OK, "no tasks");
}

} // namespace

int main() {
    for (bool half : {false, true}) {
        sizes(half);
        patterns(half, false);
        patterns(half, true);
    }
    refusals();
    std::puts("attention: ok");
}
