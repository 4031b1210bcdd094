#include "cublaslt.h"
#include "gemm_blas.h"
#include "launch.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <new>

/* Matrix products by cuBLASLt, which sees all matrices by columns: cᵀ = bᵀ aᵀ of what lies here by rows. */
namespace ls::cuda {

namespace {

/* All that a choice of algorithm depends on. */
using Key = std::array<int64_t, 15>;

struct Plan {
    lt::MatmulDesc desc = nullptr;
    lt::Layout a = nullptr, b = nullptr, c = nullptr;
    lt::Algorithm algorithm{};
    size_t workspace_bytes = 0;
    bool found = false;
};

class Blas {
  public:
    ~Blas() {
        for (auto &[key, plan] : plans_) {
            release(plan);
        }
        if (handle_) {
            lt_.Destroy(handle_);
        }
        if (library_) {
            dlclose(library_);
        }
    }

    /* Why not, or NULL. */
    const char *open() {
        const char *wanted = std::getenv("LONGSPAN_CUBLASLT");
        if (wanted && std::strcmp(wanted, "off") == 0) {
            return "LONGSPAN_CUBLASLT=off";
        }
        for (const char *name : {"libcublasLt.so.13", "libcublasLt.so.12"}) {
            library_ = library_ ? library_ : dlopen(wanted ? wanted : name, RTLD_NOW | RTLD_LOCAL);
        }
        if (!library_) {
            return dlerror();
        }
#define LS_FIND(name, ...) \
    lt_.name = reinterpret_cast<decltype(lt_.name)>(dlsym(library_, "cublasLt" #name)); \
    if (!lt_.name) { \
        return "no cublasLt" #name; \
    }
        LS_CUBLASLT(LS_FIND)
#undef LS_FIND
        return lt_.Create(&handle_) == lt::SUCCESS ? nullptr : "cublasLtCreate failed";
    }

    ls_status multiply(const ls_cuda_gemm_params &p, int64_t workspace_bytes, bool *done, void *stream) {
        std::lock_guard<std::mutex> guard(mutex_);
        auto [at, fresh] = plans_.try_emplace(key_of(p));
        Plan &plan = at->second;
        if (fresh && !prepare(p, workspace_bytes, plan)) {
            release(plan);
        }
        if (!plan.found) {
            return LS_OK;
        }
        if (p.bias && !set_bias(plan.desc, p.bias)) {
            return LS_OK;
        }
        float alpha = 1, beta = p.accumulate ? 1 : 0;
        int32_t status = lt_.Matmul(handle_, plan.desc, &alpha, p.b, plan.a, p.a, plan.b, &beta, p.c, plan.c, p.c,
                                    plan.c, &plan.algorithm, p.scratch, plan.workspace_bytes, stream);
        if (status == lt::NOT_SUPPORTED) {
            plan.found = false;
            return LS_OK;
        }
        *done = true;
        return status == lt::SUCCESS ? LS_OK : fail(LS_CUDA_FAULT, "gemm: cublasLtMatmul: status %d", status);
    }

  private:
    static int64_t alignment(const void *pointer) {
        uintptr_t bits = reinterpret_cast<uintptr_t>(pointer) | 256;
        return (int64_t)(bits & -bits);
    }

    static Key key_of(const ls_cuda_gemm_params &p) {
        return {p.rows,  p.cols,   p.depth,      p.a_row,           p.a_col,        p.b_row,        p.b_col,
                p.c_row, p.halves, p.accumulate, p.bias != nullptr, alignment(p.a), alignment(p.b), alignment(p.c),
                alignment(p.bias)};
    }

    /* A matrix [rows, cols] by rows is [cols, rows] by columns. */
    bool layout(lt::Layout *to, bool half, bool by_rows, int64_t rows, int64_t cols, int64_t row, int64_t col) {
        int64_t height = by_rows ? cols : rows, width = by_rows ? rows : cols, pitch = by_rows ? row : col;
        return lt_.MatrixLayoutCreate(to, half ? lt::R_16BF : lt::R_32F, (uint64_t)height, (uint64_t)width,
                                  width == 1 ? height : pitch) == lt::SUCCESS;
    }

    bool set(lt::MatmulDesc desc, int32_t attribute, int32_t v) {
        return lt_.MatmulDescSetAttribute(desc, attribute, &v, sizeof v) == lt::SUCCESS;
    }

    bool set_bias(lt::MatmulDesc desc, const void *bias) {
        return lt_.MatmulDescSetAttribute(desc, lt::DESC_BIAS_POINTER, &bias, sizeof bias) == lt::SUCCESS;
    }

    template <class V> bool prefer(lt::Preference preference, int32_t attribute, V v) {
        return lt_.MatmulPreferenceSetAttribute(preference, attribute, &v, sizeof v) == lt::SUCCESS;
    }

    bool prepare(const ls_cuda_gemm_params &p, int64_t workspace_bytes, Plan &plan) {
        bool half_a = p.halves & LS_HALF_A, half_b = p.halves & LS_HALF_B, half_c = p.halves & LS_HALF_C;
        bool half_bias = p.halves & LS_HALF_BIAS;
        if (half_a != half_b || (half_c && !half_a) || (p.bias && half_bias != half_c)) {
            return false;
        }
        bool rows_of_a = p.a_col == 1, rows_of_b = p.b_col == 1;
        bool described =
            lt_.MatmulDescCreate(&plan.desc, lt::COMPUTE_32F, lt::R_32F) == lt::SUCCESS &&
            set(plan.desc, lt::DESC_TRANSA, rows_of_b ? lt::OP_N : lt::OP_T) &&
            set(plan.desc, lt::DESC_TRANSB, rows_of_a ? lt::OP_N : lt::OP_T) &&
            (!p.bias || (set(plan.desc, lt::DESC_EPILOGUE, lt::EPILOGUE_BIAS) && set_bias(plan.desc, p.bias))) &&
            layout(&plan.a, half_b, rows_of_b, p.depth, p.cols, p.b_row, p.b_col) &&
            layout(&plan.b, half_a, rows_of_a, p.rows, p.depth, p.a_row, p.a_col) &&
            layout(&plan.c, half_c, true, p.rows, p.cols, p.c_row, 1);
        if (!described) {
            return false;
        }
        lt::Preference preference = nullptr;
        if (lt_.MatmulPreferenceCreate(&preference) != lt::SUCCESS) {
            return false;
        }
        plan.found = choose(p, workspace_bytes, plan, preference);
        lt_.MatmulPreferenceDestroy(preference);
        return plan.found;
    }

    bool choose(const ls_cuda_gemm_params &p, int64_t workspace_bytes, Plan &plan, lt::Preference preference) {
        bool ok = prefer(preference, lt::PREFERS_WORKSPACE_BYTES, (uint64_t)workspace_bytes) &&
                  prefer(preference, lt::PREFERS_REDUCTIONS, (uint32_t)lt::REDUCES_COMPUTE_TYPE);
        const void *pointers[] = {p.b, p.a, p.c, p.c};
        for (int i = 0; i < 4; i++) {
            ok = ok && prefer(preference, lt::PREFERS_ALIGNMENT_A + i, (uint32_t)alignment(pointers[i]));
        }
        lt::Heuristic best{};
        int32_t found = 0;
        ok = ok && lt_.MatmulAlgoGetHeuristic(handle_, plan.desc, plan.a, plan.b, plan.c, plan.c, preference, 1, &best,
                                              &found) == lt::SUCCESS;
        plan.algorithm = best.algorithm;
        plan.workspace_bytes = best.workspace_bytes;
        return ok && found > 0 && best.state == lt::SUCCESS && best.workspace_bytes <= (size_t)workspace_bytes;
    }

    void release(Plan &plan) {
        if (plan.desc) {
            lt_.MatmulDescDestroy(plan.desc);
        }
        for (lt::Layout layout : {plan.a, plan.b, plan.c}) {
            if (layout) {
                lt_.MatrixLayoutDestroy(layout);
            }
        }
        plan = {};
    }

    lt::Functions lt_{};
    void *library_ = nullptr;
    lt::Handle handle_ = nullptr;
    std::mutex mutex_;
    std::map<Key, Plan> plans_;
};

} // namespace

ls_status blas_product(const ls_cuda_gemm_params &params, int64_t workspace_bytes, bool *done, void *stream) {
    return static_cast<Blas *>(params.blas)->multiply(params, workspace_bytes, done, stream);
}

} // namespace ls::cuda

using namespace ls::cuda;

ls_status ls_cuda_blas_open(void **blas) {
    LS_NEEDS(blas != nullptr);
    *blas = nullptr;
    Blas *opened = new (std::nothrow) Blas;
    const char *reason = opened ? opened->open() : "out of memory";
    if (reason) {
        fail(LS_OK, "cuBLASLt: %s", reason);
        delete opened;
    } else {
        *blas = opened;
    }
    return LS_OK;
}

ls_status ls_cuda_blas_close(void *blas) {
    delete static_cast<Blas *>(blas);
    return LS_OK;
}
