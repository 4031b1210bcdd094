/* All families on the tier that the environment asks for. */
#include "families.h"

#include <cstring>

int main() {
    const char *wanted = std::getenv("LONGSPAN_TIER");
    if (wanted && std::strcmp(wanted, ls_tier()) != 0) {
        std::fprintf(stderr, "this CPU runs %s, not %s\n", ls_tier(), wanted);
        return 77;
    }
    require(ls_abi_version() == LS_ABI_VERSION, "the library's version is its header's");
    gemm_test();
    int8_test();
    attention_test();
    norm_test();
    elementwise_test();
    activation_test();
    embedding_test();
    loss_test();
    cema_test();
    timestep_norm_test();
    optimizer_test();
    std::printf("all kernels of %s agree with double\n", ls_tier());
    return 0;
}
