#include "attention_cases.h"

namespace ls::cuda {
bool hopper_serves(const ls_cuda_attention_params &params);
}

/* The kernel for compute capability 9.0 against plain loops in double: tiles' edges, turns of its rings, strided rows, what it leaves. */
namespace {

using namespace cases;

void check(const char *what, Case &c, int64_t period = 1) {
    c.p.key_period = period;
    require(ls::cuda::hopper_serves(c.params()), what);
    forward(what, c);
}

void all_dense(Case &c) {
    c.all_heads([&](int64_t) { return std::vector<Task>{dense(c.s)}; });
}

void sizes() {
    /* 700 keys: each stage of a ring is filled three times. */
    for (auto [queries, keys] : {std::pair{65, 1}, {127, 128}, {128, 129}, {129, 255}, {257, 700}, {70, 0}}) {
        Case c({1, 1, queries, keys > 0 ? keys : 8, 64, 64, true}, (uint64_t)queries);
        all_dense(c);
        c.tasks[0].keys = keys;
        c.tasks[0].pads = keys % 2;
        check("sizes", c);
    }
    for (auto [dim, values] : {std::pair{128, 128}, {8, 64}, {40, 72}, {128, 8}}) {
        Case c({2, 2, 70, 300, dim, values, true, 8}, (uint64_t)dim);
        all_dense(c);
        check("dims", c);
    }
}

void patterns() {
    Case causal({1, 2, 300, 300, 64, 64, true}, 1);
    causal.p.causal = 1;
    all_dense(causal);
    for (int64_t i = 1; i < causal.lse.size(); i += 2) {
        causal.lse[i] = (float)(i % 5) - 2; /* these rows have seen keys before */
    }
    Numbers(9).fill(causal.out.memory.values);
    check("causal, merged", causal);

    Case window({1, 1, 400, 400, 64, 64, true}, 2);
    window.p.causal = 1;
    window.p.block = 50, window.p.before = 2, window.p.after = 0;
    all_dense(window);
    check("a window", window);

    Case documents({2, 1, 260, 260, 128, 128, true}, 3);
    documents.documents = {0, 5, 131, INT64_MAX, 0, 17, 18, 200};
    documents.p.document_count = documents.p.documents_batch = 4;
    all_dense(documents);
    check("documents", documents);

    Case late({1, 1, 80, 400, 64, 64, true}, 4);
    late.p.causal = 1;
    late.p.first_query = 310;
    late.p.scale = 0.5;
    all_dense(late);
    check("a chunk from the middle", late);
}

/* Heads of segments whose every third row counts; what no task selects is NaN. */
void dilated() {
    for (int64_t keys : {601, 602}) {
        Case c({2, 3, keys, keys, 64, 64, true}, (uint64_t)keys);
        c.p.causal = keys % 2;
        c.all_heads([&](int64_t head) {
            std::vector<Task> tasks;
            for (int64_t start : {head, 300 + head}) {
                /* Three keys: what lies behind them is in the first rows that a product of values reads. */
                int64_t rows = ((start < 300 ? 300 : keys) - start + 2) / 3;
                tasks.push_back(of_rows(start, 3, rows, start, 3, start < 300 ? rows : 3, head));
            }
            return tasks;
        });
        std::vector<bool> used((size_t)(keys * 3));
        for (const Task &t : c.tasks) {
            for (int64_t j = 0; j < t.keys; j++) {
                used[(size_t)(c.key_row(t, j) * 3 + t.head)] = true;
            }
        }
        for (int64_t i = 0; i < 2 * keys * 3; i++) {
            for (int64_t d = 0; d < 64 && !used[(size_t)(i % (keys * 3))]; d++) {
                c.k.at(i / (keys * 3), i / 3 % keys, i % 3, d) = c.v.at(i / (keys * 3), i / 3 % keys, i % 3, d) = NAN;
            }
        }
        check("dilated", c, 3);
    }
}

/* Left to the portable kernel, with the same result. */
void others() {
    for (auto [dim, values] : {std::pair{20, 64}, {64, 136}}) {
        Case c({1, 1, 70, 70, dim, values, true}, 1);
        all_dense(c);
        c.p.key_period = 1;
        require(!ls::cuda::hopper_serves(c.params()), "dimensions that are not served");
        forward("others", c);
    }
    Case asked_not({1, 1, 70, 70, 64, 64, true}, 1);
    all_dense(asked_not);
    require(!ls::cuda::hopper_serves(asked_not.params()), "nobody asked");
    asked_not.p.key_period = 1;
    asked_not.p.scale = -1;
    require(!ls::cuda::hopper_serves(asked_not.params()), "a negative scale");
}

} // namespace

int main() {
    sizes();
    patterns();
    dilated();
    others();
    std::puts("attention on Hopper: ok");
}
