#include "tier.h"

#include <cstdlib>
#include <cstring>

namespace ls {
namespace {

struct Tier {
    const char *name;
    const Kernels *kernels;
};

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

Tier choose() {
    const char *most = std::getenv("LONGSPAN_TIER");
    bool below_avx512 = most && std::strcmp(most, "avx512") != 0;
    bool below_avx2 = below_avx512 && std::strcmp(most, "avx2") != 0;
    if (!below_avx512 && has_avx512()) {
        return {"avx512", &avx512::table};
    }
    if (!below_avx2 && has_avx2()) {
        return {"avx2", &avx2::table};
    }
    return {"portable", &portable::table};
}

const Tier &tier() {
    static const Tier chosen = choose();
    return chosen;
}

} // namespace

const Kernels &kernels() { return *tier().kernels; }

} // namespace ls

const char *ls_tier(void) { return ls::tier().name; }
