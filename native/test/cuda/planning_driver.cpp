// A libcuda.so.1 that loads every kernel and launches none: all that cuDNN asks of a driver while it plans for a device that
// it has by description. LONGSPAN_PLANNED_KERNELS names a file that gets a line with each kernel's name.

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int SUCCESS = 0;
constexpr int NOT_FOUND = 500;

// Addresses to hand out as a loaded library and as a kernel.
char library;
char kernel;

}  // namespace

#define CALL extern "C" __attribute__((visibility("default"))) int

CALL cuInit(unsigned) { return SUCCESS; }

CALL cuDriverGetVersion(int *version) {
    *version = 13000;
    return SUCCESS;
}

// Private tables of the real driver: this one has none.
CALL cuGetExportTable(const void **table, const void *) {
    *table = nullptr;
    return NOT_FOUND;
}

CALL cuGetErrorName(int, const char **name) {
    *name = "CUDA_ERROR_NOT_FOUND";
    return SUCCESS;
}

CALL cuGetErrorString(int, const char **text) {
    *text = "this driver only plans";
    return SUCCESS;
}

CALL cuDeviceGetCount(int *count) {
    *count = 1;
    return SUCCESS;
}

CALL cuDeviceGet(int *device, int) {
    *device = 0;
    return SUCCESS;
}

CALL cuLibraryLoadData(void **loaded, const void *, void *, void *, unsigned, void *, void *, unsigned) {
    *loaded = &library;
    return SUCCESS;
}

CALL cuLibraryUnload(void *) { return SUCCESS; }

CALL cuLibraryGetKernel(void **found, void *, const char *name) {
    if (const char *path = std::getenv("LONGSPAN_PLANNED_KERNELS")) {
        if (std::FILE *file = std::fopen(path, "a")) {
            std::fprintf(file, "%s\n", name);
            std::fclose(file);
        }
    }
    *found = &kernel;
    return SUCCESS;
}

CALL cuKernelGetAttribute(int *value, int, void *, int) {
    *value = 0;
    return SUCCESS;
}

CALL cuKernelSetAttribute(int, int, void *, int) { return SUCCESS; }

CALL cuOccupancyMaxPotentialClusterSize(int *size, void *, const void *) {
    *size = 8;
    return SUCCESS;
}

// cuDNN resolves these and calls none of them while it plans.
#define UNUSED(name) \
    CALL name() { return NOT_FOUND; }
UNUSED(cuCtxGetCurrent)
UNUSED(cuCtxGetLimit)
UNUSED(cuCtxPopCurrent)
UNUSED(cuCtxPushCurrent)
UNUSED(cuStreamGetCtx)
UNUSED(cuLinkCreate)
UNUSED(cuLinkAddData)
UNUSED(cuLinkComplete)
UNUSED(cuLinkDestroy)
UNUSED(cuLibraryLoadFromFile)
UNUSED(cuLaunchKernel)
UNUSED(cuLaunchKernelEx)
UNUSED(cuLaunchCooperativeKernel)
