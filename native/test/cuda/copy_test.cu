#include "sizes.h"

#include <algorithm>
#include <cstring>

/* Copies of all strides and types. */
namespace {

constexpr int BYTES[] = {4, 8, 2, 4, 8, 2, 1, 1};

ls_cuda_copy_params params(const void *from, int from_type, void *to, int to_type, const std::vector<int64_t> &shape) {
    ls_cuda_copy_params p{};
    p.size = sizeof p;
    p.rank = (int64_t)shape.size();
    int64_t stride = 1;
    for (int i = (int)p.rank - 1; i >= 0; i--) {
        p.shape[i] = shape[i];
        p.from_stride[i] = p.to_stride[i] = stride;
        stride *= shape[i];
    }
    p.from = from, p.to = to, p.from_type = from_type, p.to_type = to_type;
    return p;
}

/* Bytes of elements, their order turned about and gaps between them. */
void strided(int type, const std::vector<int64_t> &shape, int turn, int64_t gap, bool front) {
    int rank = (int)shape.size(), bytes = BYTES[type];
    ls_cuda_copy_params p = params(nullptr, type, nullptr, type, shape);
    int64_t size = 1, from_stride = 1, to_stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        int dim = (i + turn) % rank; /* `from` has its dimensions in another order */
        p.from_stride[dim] = from_stride;
        from_stride = from_stride * shape[dim] + (i == rank - 1 ? gap : 0);
        p.to_stride[i] = to_stride;
        to_stride = to_stride * shape[i] + (i == rank - 1 && gap != 1 ? gap : 0);
        size *= shape[i];
    }
    int64_t from_last = 0, to_last = 0;
    for (int i = 0; i < rank; i++) {
        from_last += (shape[i] - 1) * p.from_stride[i];
        to_last += (shape[i] - 1) * p.to_stride[i];
    }
    Guarded<uint8_t> from(size ? (from_last + 1) * bytes : 0, front), to(size ? (to_last + 1) * bytes : 0, front);
    for (int64_t i = 0; i < from.size(); i++) {
        from[i] = (uint8_t)(i * 31 + i / 251);
    }
    std::memset(to.begin(), 0xee, to.size());
    std::vector<uint8_t> expected(to.begin(), to.end());
    for (int64_t i = 0; i < size; i++) {
        int64_t rest = i, f = 0, t = 0;
        for (int d = rank - 1; d >= 0; d--) {
            f += rest % shape[d] * p.from_stride[d];
            t += rest % shape[d] * p.to_stride[d];
            rest /= shape[d];
        }
        std::memcpy(&expected[t * bytes], from + f * bytes, bytes);
    }
    p.from = from, p.to = to;
    works(ls_cuda_copy(&p, nullptr));
    require(std::equal(expected.begin(), expected.end(), to.begin()), "a copy differs");
}

double of(const uint8_t *at, int type, int64_t i) {
    switch (type) {
    case LS_F32: return reinterpret_cast<const float *>(at)[i];
    case LS_F64: return reinterpret_cast<const double *>(at)[i];
    case LS_I32: return reinterpret_cast<const int32_t *>(at)[i];
    case LS_I64: return (double)reinterpret_cast<const int64_t *>(at)[i];
    case LS_BOOL:
    case LS_U8: return at[i];
    case LS_BF16: return std::bit_cast<float>((uint32_t)reinterpret_cast<const uint16_t *>(at)[i] << 16);
    default: return (double)reinterpret_cast<const _Float16 *>(at)[i];
    }
}

/* Numbers that every type holds, through every pair of types. */
void conversions() {
    for (int64_t n : {1, 5, 16, 300}) {
        for (int via = LS_F32; via <= LS_U8; via++) {
            for (int to = LS_F32; to <= LS_U8; to++) {
                Guarded<float> start(n);
                Guarded<uint8_t> middle(n * BYTES[via]), end(n * BYTES[to]);
                for (int64_t i = 0; i < n; i++) {
                    start[i] = (float)(i * 37 % 256);
                }
                ls_cuda_copy_params p = params(start, LS_F32, middle, via, {n});
                works(ls_cuda_copy(&p, nullptr));
                p = params(middle, via, end, to, {n});
                works(ls_cuda_copy(&p, nullptr));
                for (int64_t i = 0; i < n; i++) {
                    close_to("converted", i, of(middle, via, i), start[i], 0);
                    close_to("converted twice", i, of(end, to, i), start[i], 0);
                }
            }
        }
    }
}

template <class To> To one(double from, int to_type) {
    Guarded<double> source(1);
    Guarded<To> target(1);
    source[0] = from;
    ls_cuda_copy_params p = params(source, LS_F64, target, to_type, {});
    works(ls_cuda_copy(&p, nullptr));
    return target[0];
}

void rounding() {
    for (double v : {0.0,         -0.0,          1.0,     1.0 + 0x1p-11,    1.0 + 0x1.8p-10,   65519.0,
                     65520.0,     -1e9,          0x1p-24, 0x1p-25,          0x1.8p-25,         0x1.ffcp-15,
                     0x1.ffep-15, 3.0 * 0x1p-25, 1e-30,   (double)INFINITY, -(double)INFINITY, 0.1,
                     -2.7182818,  6.1e-5}) {
        uint16_t expected = std::bit_cast<uint16_t>((_Float16)(float)v);
        require(one<uint16_t>(v, LS_F16) == expected, "half precision rounds to nearest even");
    }
    require((one<uint16_t>(NAN, LS_F16) & 0x7fff) > 0x7c00, "NaN stays NaN in half precision");
    require((one<uint16_t>(NAN, LS_BF16) & 0x7fff) > 0x7f80, "NaN stays NaN in bfloat16");
    require(one<uint16_t>(1 + 0x1p-8, LS_BF16) == 0x3f80 && one<uint16_t>(1 + 0x3p-8, LS_BF16) == 0x3f82,
            "ties go to even");
    require(one<int32_t>(-2.9, LS_I32) == -2 && one<int64_t>(2.9, LS_I64) == 2, "towards 0");
    require(one<int32_t>(1e30, LS_I32) == INT32_MAX && one<int32_t>(-1e30, LS_I32) == INT32_MIN, "int32 saturates");
    require(one<int64_t>(1e30, LS_I64) == INT64_MAX && one<int64_t>(-1e30, LS_I64) == INT64_MIN, "int64 saturates");
    require(one<int64_t>(NAN, LS_I64) == 0, "NaN becomes 0");
    Guarded<int64_t> large(1), same(1);
    large[0] = INT64_MAX - 1;
    ls_cuda_copy_params p = params(large, LS_I64, same, LS_I64, {1, 1});
    works(ls_cuda_copy(&p, nullptr));
    require(same[0] == large[0], "int64 is copied whole");
    p.rank = 7;
    require(ls_cuda_copy(&p, nullptr) == LS_BAD_ARGUMENT, "seven dimensions");
}

void zeros() {
    for (int64_t n : AWKWARD) {
        for (int64_t skip : {0, 1, 5}) {
            Guarded<uint8_t> to(n + skip, true);
            std::memset(to.begin(), 0xee, to.size());
            works(ls_cuda_zero(to + skip, n, nullptr));
            for (int64_t i = 0; i < n + skip; i++) {
                require(to[i] == (i < skip ? 0xee : 0), "zeros, and nothing else");
            }
        }
    }
}

} // namespace

int main() {
    const std::vector<std::vector<int64_t>> shapes = {
        {0},       {1},        {7},        {64},         {3, 5},          {8, 16},
        {4, 0, 3}, {2, 3, 16}, {5, 1, 32}, {2, 3, 4, 8}, {3, 2, 2, 5, 2}, {2, 3, 2, 1, 3, 4}};
    for (const auto &shape : shapes) {
        for (int type = LS_F32; type <= LS_U8; type++) {
            for (int turn = 0; turn < (int)shape.size(); turn++) {
                for (int64_t gap : {0, 1, 16}) {
                    strided(type, shape, turn, gap, gap != 1);
                }
            }
        }
    }
    conversions();
    rounding();
    zeros();
    std::puts("copy: ok");
}
