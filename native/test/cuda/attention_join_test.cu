#include "attention_cases.h"

/* Another library's part of attention merged into earlier keys', against the formula in double. */
namespace {

using namespace cases;

void check(const Sizes &s, bool fresh, uint64_t seed) {
    Case c(s, seed);
    Numbers numbers(seed + 1);
    Operand part(s.batch * s.queries * s.heads * s.value_dim, s.half, false);
    Guarded<float> part_lse(c.lse.size());
    numbers.fill(part.values);
    numbers.fill(part_lse);
    if (!fresh) {
        numbers.fill(c.lse);
        numbers.fill(c.out.memory.values);
    }
    part_lse[0] = -INFINITY;
    Params p = c.params();
    const void *given = part.written();
    std::vector<float> out(c.out.memory.values.begin(), c.out.memory.values.end()), lse(c.lse.begin(), c.lse.end());
    require(ls_cuda_attention_join(&p, given, part_lse, nullptr) == LS_OK, ls_cuda_last_error());
    c.out.memory.read();
    double rounding = s.half ? HALF_ROUNDING : 1e-6;
    for (int64_t b = 0; b < s.batch; b++) {
        for (int64_t i = 0; i < s.queries; i++) {
            for (int64_t h = 0; h < s.heads; h++) {
                int64_t number = (b * s.heads + h) * s.queries + i;
                double earlier = std::exp((double)lse[number]), later = std::exp((double)part_lse[number]);
                if (earlier + later > 0) {
                    close_to("lse", number, c.lse[number], std::log(earlier + later), 1e-6);
                } else {
                    require(c.lse[number] == -INFINITY, "a row without keys stays as it was");
                }
                for (int64_t d = 0; d < s.value_dim; d++) {
                    float *at = &c.out.memory.values[&c.out.at(b, i, h, d) - c.out.memory.values.begin()];
                    double was = out[at - c.out.memory.values.begin()];
                    double expected = earlier + later == 0 ? was
                        : (earlier * was + later * part.values[((b * s.queries + i) * s.heads + h) * s.value_dim + d]) / (earlier + later);
                    close_to("out", at - c.out.memory.values.begin(), *at, expected, rounding * (std::fabs(expected) + 1e-3) + 1e-6);
                }
            }
        }
    }
}

} // namespace

int main() {
    for (bool half : {false, true}) {
        for (bool fresh : {false, true}) {
            check({2, 3, 5, 1, 8, 64, half}, fresh, 1);
            check({1, 2, 9, 1, 8, 300, half, 3}, fresh, 2);
            check({1, 1, 4, 1, 8, 8, half, 8}, fresh, 3);
        }
    }
    std::puts("attention_join: ok");
}
