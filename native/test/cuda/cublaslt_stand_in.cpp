#include "../../src/cuda/cublaslt.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

/*
 * cuBLASLt's functions over the host's memory, for tests: matrices by columns, sums in double. Ends the test where the
 * real one would refuse: pitches below a column's length, attributes of the wrong size, alignments that pointers do not
 * have. It has no kernel for odd depths, so that callers must go on without it.
 */
namespace ls::cuda::lt {

struct HandleObject {};

struct MatmulDescObject {
    int32_t transposed_a = 0, transposed_b = 0, epilogue = 1;
    const void *bias = nullptr;
};

struct LayoutObject {
    int32_t type;
    uint64_t rows, cols;
    int64_t pitch;
};

struct PreferenceObject {
    uint64_t workspace = 0;
    uint32_t reductions = ~0u, alignment[4] = {256, 256, 256, 256};
};

namespace {

#define LS_ASKED(condition) \
    if (!(condition)) { \
        std::fprintf(stderr, "%s was not asked %s\n", __func__, #condition); \
        std::abort(); \
    }

float read(const void *at, int32_t type, int64_t i) {
    if (type == R_32F) {
        return static_cast<const float *>(at)[i];
    }
    uint32_t bits = (uint32_t)static_cast<const uint16_t *>(at)[i] << 16;
    float v;
    std::memcpy(&v, &bits, 4);
    return v;
}

void write(void *at, int32_t type, int64_t i, float v) {
    if (type == R_32F) {
        static_cast<float *>(at)[i] = v;
        return;
    }
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    static_cast<uint16_t *>(at)[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float element(const void *at, const LayoutObject &l, int32_t transposed, int64_t i, int64_t j) {
    return read(at, l.type, transposed ? j + i * l.pitch : i + j * l.pitch);
}

bool aligned(const void *at, uint64_t to) { return reinterpret_cast<uintptr_t>(at) % to == 0; }

} // namespace

extern "C" {

int32_t cublasLtCreate(Handle *handle) {
    *handle = new HandleObject;
    return SUCCESS;
}

int32_t cublasLtDestroy(Handle handle) {
    delete handle;
    return SUCCESS;
}

int32_t cublasLtMatmulDescCreate(MatmulDesc *desc, int32_t compute, int32_t scale) {
    LS_ASKED(compute == COMPUTE_32F && scale == R_32F)
    *desc = new MatmulDescObject;
    return SUCCESS;
}

int32_t cublasLtMatmulDescDestroy(MatmulDesc desc) {
    delete desc;
    return SUCCESS;
}

int32_t cublasLtMatmulDescSetAttribute(MatmulDesc desc, int32_t attribute, const void *v, size_t bytes) {
    LS_ASKED(bytes == (attribute == DESC_BIAS_POINTER ? 8 : 4))
    switch (attribute) {
    case DESC_TRANSA: std::memcpy(&desc->transposed_a, v, 4); return SUCCESS;
    case DESC_TRANSB: std::memcpy(&desc->transposed_b, v, 4); return SUCCESS;
    case DESC_EPILOGUE: std::memcpy(&desc->epilogue, v, 4); return SUCCESS;
    case DESC_BIAS_POINTER: std::memcpy(&desc->bias, v, 8); return SUCCESS;
    default: LS_ASKED(!"for an attribute that there is")
    }
    return SUCCESS;
}

int32_t cublasLtMatrixLayoutCreate(Layout *layout, int32_t type, uint64_t rows, uint64_t cols, int64_t pitch) {
    LS_ASKED((type == R_32F || type == R_16BF) && pitch >= (int64_t)rows)
    *layout = new LayoutObject{type, rows, cols, pitch};
    return SUCCESS;
}

int32_t cublasLtMatrixLayoutDestroy(Layout layout) {
    delete layout;
    return SUCCESS;
}

int32_t cublasLtMatmulPreferenceCreate(Preference *preference) {
    *preference = new PreferenceObject;
    return SUCCESS;
}

int32_t cublasLtMatmulPreferenceDestroy(Preference preference) {
    delete preference;
    return SUCCESS;
}

int32_t cublasLtMatmulPreferenceSetAttribute(Preference preference, int32_t attribute, const void *v, size_t bytes) {
    LS_ASKED(bytes == (attribute == PREFERS_WORKSPACE_BYTES ? 8 : 4))
    if (attribute == PREFERS_WORKSPACE_BYTES) {
        std::memcpy(&preference->workspace, v, 8);
    } else if (attribute == PREFERS_REDUCTIONS) {
        std::memcpy(&preference->reductions, v, 4);
    } else {
        LS_ASKED(attribute >= PREFERS_ALIGNMENT_A && attribute < PREFERS_ALIGNMENT_A + 4)
        std::memcpy(&preference->alignment[attribute - PREFERS_ALIGNMENT_A], v, 4);
    }
    return SUCCESS;
}

int32_t cublasLtMatmulAlgoGetHeuristic(Handle, MatmulDesc desc, Layout a, Layout b, Layout c, Layout d,
                                       Preference preference, int32_t wanted, Heuristic *result, int32_t *found) {
    uint64_t depth = desc->transposed_a ? a->rows : a->cols;
    LS_ASKED(wanted >= 1 && c == d && depth == (desc->transposed_b ? b->cols : b->rows))
    LS_ASKED((desc->transposed_a ? a->cols : a->rows) == c->rows && (desc->transposed_b ? b->rows : b->cols) == c->cols)
    LS_ASKED(a->type == b->type && (a->type == R_16BF || c->type == R_32F))
    LS_ASKED(preference->reductions == REDUCES_COMPUTE_TYPE)
    *found = depth % 2 == 0;
    if (*found) {
        *result = {};
        result->workspace_bytes = preference->workspace;
        for (int i = 0; i < 4; i++) {
            result->algorithm.data[i] = preference->alignment[i];
        }
    }
    return SUCCESS;
}

int32_t cublasLtMatmul(Handle, MatmulDesc desc, const void *alpha, const void *a, Layout la, const void *b, Layout lb,
                       const void *beta, const void *c, Layout lc, void *d, Layout ld, const Algorithm *algorithm,
                       void *workspace, size_t workspace_bytes, void *) {
    const void *pointers[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        LS_ASKED(aligned(pointers[i], algorithm->data[i]))
    }
    LS_ASKED(c == d && lc == ld && (workspace || !workspace_bytes))
    std::memset(workspace, 0xff, workspace_bytes < 4096 ? workspace_bytes : 4096);
    float scale = *static_cast<const float *>(alpha), keep = *static_cast<const float *>(beta);
    uint64_t depth = desc->transposed_a ? la->rows : la->cols;
    for (uint64_t j = 0; j < lc->cols; j++) {
        for (uint64_t i = 0; i < lc->rows; i++) {
            double sum = 0;
            for (uint64_t k = 0; k < depth; k++) {
                sum += (double)element(a, *la, desc->transposed_a, i, k) * element(b, *lb, desc->transposed_b, k, j);
            }
            int64_t at = (int64_t)i + (int64_t)j * lc->pitch;
            sum = scale * sum + (keep == 0 ? 0 : keep * read(c, lc->type, at));
            sum += desc->epilogue == EPILOGUE_BIAS ? read(desc->bias, lc->type, i) : 0;
            write(d, lc->type, at, (float)sum);
        }
    }
    return SUCCESS;
}

} // extern "C"

} // namespace ls::cuda::lt
