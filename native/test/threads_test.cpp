/* Work ranges of one product on several threads, as Java splits them; for ThreadSanitizer. */
#include "longspan.h"

#include "check.h"

#include <thread>

int main() {
    constexpr int64_t ROWS = 240, COLS = 64, DEPTH = 100;
    std::vector<float> a(ROWS * DEPTH, 0.5f), b(DEPTH * COLS, 2.0f), c(ROWS * COLS);
    std::vector<float> packed((COLS + ls_gemm_panel()) * DEPTH);
    require(ls_gemm_pack(b.data(), 0, COLS, 1, COLS, DEPTH, packed.data()) == LS_OK, ls_last_error());
    std::vector<std::thread> team;
    for (int64_t part = 0; part < 4; part++) {
        team.emplace_back([&, part] {
            std::vector<float> scratch(ls_gemm_scratch(ROWS / 4, COLS, DEPTH));
            ls_gemm_params p{};
            p.size = sizeof p;
            p.rows = ROWS / 4;
            p.cols = COLS;
            p.depth = DEPTH;
            p.a = a.data() + part * ROWS / 4 * DEPTH;
            p.a_row = DEPTH;
            p.a_col = 1;
            p.packed = packed.data();
            p.c = c.data() + part * ROWS / 4 * COLS;
            p.c_row = COLS;
            p.scratch = scratch.data();
            for (int round = 0; round < 50; round++) {
                require(ls_gemm(&p) == LS_OK, ls_last_error());
                require(ls_fill(1, nullptr, -1) == LS_BAD_ARGUMENT && ls_last_error()[0] != 0, "errors are a thread's own");
            }
        });
    }
    for (std::thread &thread : team) {
        thread.join();
    }
    for (int64_t i = 0; i < ROWS * COLS; i++) {
        close_to("product", i, c[i], DEPTH, 1e-4);
    }
    std::puts("four threads agree");
    return 0;
}
