#include "tier.h"

#include <cstdlib>
#include <cstring>
#include <iterator>

namespace ls {
namespace {

struct Tier {
    const char *name;
    bool (*runs)();
    Kernels (*kernels)();
};

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

bool has_avx512_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

Kernels with_bf16() {
    Kernels kernels = avx512::table;
#define LS_REPLACE(name) kernels.name = avx512_bf16::name;
    LS_ATTENTION(LS_REPLACE)
#undef LS_REPLACE
    return kernels;
}

/* The best first. */
constexpr Tier TIERS[] = {
    {"avx512_bf16", has_avx512_bf16, with_bf16},
    {"avx512", has_avx512, [] { return avx512::table; }},
    {"avx2", has_avx2, [] { return avx2::table; }},
    {"portable", [] { return true; }, [] { return portable::table; }},
};

struct Chosen {
    const char *name;
    Kernels kernels;
};

/*
 * AMD's CPUs take a dot product of pairs in the time of a float's multiply-add; Intel's Sapphire Rapids takes four times that,
 * 86 GFLOP/s beside 172, and widens instead unless it is asked not to.
 */
const char *fastest() { return __builtin_cpu_is("amd") ? "avx512_bf16" : "avx512"; }

/* An unknown name allows what every CPU runs. */
Chosen choose() {
    const char *asked = std::getenv("LONGSPAN_TIER");
    const char *most = asked ? asked : fastest();
    const Tier *tier = TIERS, *last = std::end(TIERS) - 1;
    while (tier != last && std::strcmp(most, tier->name) != 0) {
        tier++;
    }
    while (!tier->runs()) {
        tier++;
    }
    return {tier->name, tier->kernels()};
}

const Chosen &tier() {
    static const Chosen chosen = choose();
    return chosen;
}

} // namespace

const Kernels &kernels() { return tier().kernels; }

} // namespace ls

const char *ls_tier(void) { return ls::tier().name; }
