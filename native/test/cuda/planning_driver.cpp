// A libcuda.so.1 that loads every kernel and launches none: all that cuDNN asks of a driver while it plans for a device that
// it has by description. LONGSPAN_PLANNED_KERNELS names a file that gets a line for each kernel: a hash of its image and its name.

#include <elf.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int SUCCESS = 0;
constexpr int NOT_FOUND = 500;

// Addresses to hand out as a loaded library and as a kernel.
char library;
char kernel;

uint64_t image_hash;

// FNV-1a over an ELF image as compilers write it, the section table last; 0 for anything else.
uint64_t hash(const void *image) {
    Elf64_Ehdr header;
    std::memcpy(&header, image, sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return 0;
    }
    const uint64_t size = header.e_shoff + uint64_t{header.e_shentsize} * header.e_shnum;
    uint64_t h = 0xcbf29ce484222325;
    for (uint64_t i = 0; i < size; i++) {
        h = (h ^ static_cast<const unsigned char *>(image)[i]) * 0x100000001b3;
    }
    return h;
}

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

CALL cuLibraryLoadData(void **loaded, const void *image, void *, void *, unsigned, void *, void *, unsigned) {
    image_hash = hash(image);
    *loaded = &library;
    return SUCCESS;
}

CALL cuLibraryUnload(void *) { return SUCCESS; }

CALL cuLibraryGetKernel(void **found, void *, const char *name) {
    if (const char *path = std::getenv("LONGSPAN_PLANNED_KERNELS")) {
        if (std::FILE *file = std::fopen(path, "a")) {
            std::fprintf(file, "%016llx %s\n", static_cast<unsigned long long>(image_hash), name);
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
