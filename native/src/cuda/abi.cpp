#include "../abi.h"
#include "longspan_cuda.h"

int32_t ls_cuda_abi_version(void) { return LS_CUDA_ABI_VERSION; }

const char *ls_cuda_abi(void) {
    static const std::string text = [] {
        std::string lines;
#define LS_LINE(name) lines += ls::signature("ls_cuda_" #name, &ls_cuda_##name);
        LS_LINE(abi_version) LS_LINE(abi) LS_LINE(last_error)
#undef LS_LINE
        return lines;
    }();
    return text.c_str();
}
