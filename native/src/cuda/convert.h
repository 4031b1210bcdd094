#pragma once

#include "device.h"

/* Elements of any type. */
namespace ls::cuda {

LS_DEVICE float half_value(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    if (exponent == 31) {
        return float_of(sign | 0x7f800000u | fraction << 13);
    }
    if (exponent == 0) {
        float small = (float)fraction * 0x1p-24f;
        return sign ? -small : small;
    }
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Rounded to nearest even; NaN stays one. */
LS_DEVICE uint16_t half_bits(float x) {
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00 | (rest >> 13 & 0x3ff));
    }
    if (rest >= 0x477ff000u) {
        return (uint16_t)(sign | 0x7c00); /* 65520 and more */
    }
    if (rest < 0x38800000u) {
        /* Adding 1/2 leaves units of 2⁻²⁴, the least subnormal, in the low bits, rounded. */
        return (uint16_t)(sign | (bits_of(float_of(rest) + 0.5f) - 0x3f000000u));
    }
    return (uint16_t)(sign | (rest - 0x38000000u + 0xfff + (rest >> 13 & 1)) >> 13);
}

/* Towards 0, saturated; 0 for NaN. */
LS_DEVICE int64_t whole(double v) {
    return !(v > -0x1p63) ? (v == v ? INT64_MIN : 0) : v >= 0x1p63 ? INT64_MAX : (int64_t)v;
}

LS_DEVICE int32_t saturated(int64_t v) { return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v; }

LS_DEVICE bool is_floating(int32_t type) {
    return type == LS_F32 || type == LS_F64 || type == LS_BF16 || type == LS_F16;
}

LS_DEVICE double read_real(const void *from, int32_t type, int64_t i) {
    switch (type) {
    case LS_F32: return static_cast<const float *>(from)[i];
    case LS_F64: return static_cast<const double *>(from)[i];
    case LS_BF16: return value(static_cast<const bf16 *>(from)[i]);
    default: return half_value(static_cast<const uint16_t *>(from)[i]);
    }
}

LS_DEVICE int64_t read_whole(const void *from, int32_t type, int64_t i) {
    switch (type) {
    case LS_I64: return static_cast<const int64_t *>(from)[i];
    case LS_I32: return static_cast<const int32_t *>(from)[i];
    default: return static_cast<const uint8_t *>(from)[i];
    }
}

LS_DEVICE void write_real(void *to, int32_t type, int64_t i, double v) {
    switch (type) {
    case LS_F32: static_cast<float *>(to)[i] = (float)v; break;
    case LS_F64: static_cast<double *>(to)[i] = v; break;
    case LS_BF16: put(static_cast<bf16 *>(to)[i], (float)v); break;
    default: static_cast<uint16_t *>(to)[i] = half_bits((float)v);
    }
}

LS_DEVICE void write_whole(void *to, int32_t type, int64_t i, int64_t v) {
    switch (type) {
    case LS_I64: static_cast<int64_t *>(to)[i] = v; break;
    case LS_I32: static_cast<int32_t *>(to)[i] = (int32_t)(uint64_t)v; break;
    default: static_cast<uint8_t *>(to)[i] = (uint8_t)v;
    }
}

LS_DEVICE void convert(const void *from, int32_t from_type, int64_t at, void *to, int32_t to_type, int64_t target) {
    if (is_floating(from_type)) {
        double v = read_real(from, from_type, at);
        if (is_floating(to_type)) {
            write_real(to, to_type, target, v);
        } else {
            write_whole(to, to_type, target, to_type == LS_I32 ? saturated(whole(v)) : whole(v));
        }
    } else {
        int64_t v = read_whole(from, from_type, at);
        if (is_floating(to_type)) {
            write_real(to, to_type, target, (double)v);
        } else {
            write_whole(to, to_type, target, v);
        }
    }
}

} // namespace ls::cuda
