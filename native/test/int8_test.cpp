#include "families.h"

#include <algorithm>

namespace {

/* Against the product of the rounded numbers, which is exact but for the scales; they are off by half a step at most. */
void int8(int64_t rows, int64_t depth, bool half, bool front) {
    Numbers numbers(rows * 17 + depth);
    Operand w(rows * depth, half, front);
    Guarded<float> x(depth, front), bias(rows, front), y(rows, front), scales(rows, front);
    Guarded<int8_t> packed(rows * ls_int8_row(depth), front);
    Guarded<uint8_t> inputs(ls_int8_row(depth), front);
    Guarded<int32_t> sums(rows, front);
    numbers.fill(w.values);
    numbers.fill(x);
    numbers.fill(bias);
    ok(ls_int8_weights(w.written(), half, depth, rows, depth, packed, scales, sums));
    float scale;
    ok(ls_int8_inputs(x, depth, inputs, &scale));
    ok(ls_int8_product(inputs, scale, packed, scales, sums, bias, y, rows, depth));
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < depth; k++) {
            double weight = (double)packed[r * ls_int8_row(depth) + k] * scales[r];
            double input = ((double)inputs[k] - 128) * scale;
            close_to("byte of a weight", r * depth + k, weight, w.values[r * depth + k], 0.5001 * scales[r]);
            close_to("byte of an input", k, input, x[k], 0.5001 * scale);
            sum += weight * input;
            size += std::fabs(weight * input);
        }
        close_to("int8", r, y[r], sum + bias[r], 2e-7 * (size + std::fabs(bias[r])));
    }
    if (depth > 0) {
        x[depth - 1] = NAN;
        ok(ls_int8_inputs(x, depth, inputs, &scale));
        ok(ls_int8_product(inputs, scale, packed, scales, sums, nullptr, y, rows, depth));
        require(std::isnan(y[0]), "NaN is passed on");
    }
}

} // namespace

void int8_test() {
    for (int64_t depth : sizes()) {
        int8(1 + depth % 9, depth, depth % 3 == 0, depth & 1);
    }
    int8(7, 4097, false, false);
    /* The largest sums there can be. */
    Guarded<float> most(65536), y(1), scales(1);
    Guarded<int8_t> packed(65536);
    Guarded<uint8_t> inputs(65536);
    Guarded<int32_t> sums(1);
    std::fill(most.begin(), most.end(), 1.0f);
    float scale;
    ok(ls_int8_weights(most, 0, 65536, 1, 65536, packed, scales, sums));
    ok(ls_int8_inputs(most, 65536, inputs, &scale));
    ok(ls_int8_product(inputs, scale, packed, scales, sums, nullptr, y, 1, 65536));
    close_to("int8", 0, y[0], 65536, 0.01);
    require(ls_int8_inputs(most, 65537, inputs, &scale) == LS_BAD_ARGUMENT, "longer rows are refused");
}
