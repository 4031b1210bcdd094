// NVIDIA's driver as far as Longspan calls it, on the host's memory: with the emulator a whole device. Streams do at once what they
// are given, unless they are being captured: then the graph does it at each launch. The environment makes it fail:
//   LONGSPAN_EMULATED_DEVICES   how many there are, 0 for CUDA_ERROR_NO_DEVICE; 1 by default
//   LONGSPAN_EMULATED_VERSION   of CUDA that it supports; 13000 by default
//   LONGSPAN_EMULATED_MEMORY    bytes of device memory; 4 GiB by default
//   LONGSPAN_EMULATED_REFUSAL   a kernel whose launches are refused; the device lives on
//   LONGSPAN_EMULATED_FAULT     a kernel that faults: its launch succeeds, and every call after it fails

#include "device.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Result = int;
constexpr Result SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101,
                 ILLEGAL_ADDRESS = 700, CAPTURE_UNSUPPORTED = 900;

using Work = std::function<const char *()>;

struct Graph {
    std::vector<Work> works;
};

struct Stream {
    bool captured = false;
    std::shared_ptr<Graph> graph;
};

struct Memory {
    std::mutex mutex;
    std::map<uint64_t, size_t> blocks;
    size_t used = 0;
} memory;

Stream default_stream;
bool lost = false; // a kernel has faulted: the context is of no more use

int64_t number(const char *name, int64_t otherwise) {
    const char *text = std::getenv(name);
    return text ? std::atoll(text) : otherwise;
}

bool is_named(const char *variable, const char *kernel) {
    const char *text = std::getenv(variable);
    return text && std::string(kernel).find(text) != std::string::npos;
}

Stream &stream_of(void *stream) { return stream ? *static_cast<Stream *>(stream) : default_stream; }

Result status() { return lost ? ILLEGAL_ADDRESS : SUCCESS; }

Result enqueue(void *stream, Work work) {
    if (lost) {
        return ILLEGAL_ADDRESS;
    }
    Stream &on = stream_of(stream);
    if (on.captured) {
        on.graph->works.push_back(std::move(work));
    } else {
        work();
    }
    return status();
}

Result allocate(uint64_t *address, size_t bytes) {
    if (lost) {
        return ILLEGAL_ADDRESS;
    }
    std::lock_guard<std::mutex> lock(memory.mutex);
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (memory.used + bytes > (size_t)number("LONGSPAN_EMULATED_MEMORY", 4LL << 30)) {
        return OUT_OF_MEMORY;
    }
    void *block = nullptr;
    if (posix_memalign(&block, 256, bytes) != 0) {
        return OUT_OF_MEMORY;
    }
    std::memset(block, 0xff, bytes); // NaN: what nobody has written shows
    *address = (uint64_t)block;
    memory.blocks[*address] = bytes;
    memory.used += bytes;
    return SUCCESS;
}

Result release(uint64_t address) {
    std::lock_guard<std::mutex> lock(memory.mutex);
    auto found = memory.blocks.find(address);
    if (found == memory.blocks.end()) {
        return INVALID_VALUE;
    }
    memory.used -= found->second;
    memory.blocks.erase(found);
    std::free((void *)address);
    return status();
}

template <class T> Result fill(uint64_t at, T value, size_t count, void *stream) {
    return enqueue(stream, [=]() -> const char * {
        for (size_t i = 0; i < count; i++) {
            std::memcpy((char *)at + i * sizeof(T), &value, sizeof(T));
        }
        return nullptr;
    });
}

Result copy(void *to, const void *from, size_t bytes, void *stream) {
    return enqueue(stream, [=]() -> const char * {
        std::memcpy(to, from, bytes);
        return nullptr;
    });
}

} // namespace

namespace ls::cuda::emulator {

const char *run_on(void *stream, const char *kernel, std::function<const char *()> body) {
    if (lost) {
        return "an illegal memory access was encountered";
    }
    if (is_named("LONGSPAN_EMULATED_REFUSAL", kernel)) {
        return "too many resources requested for launch";
    }
    Stream &on = stream_of(stream);
    if (on.captured) {
        on.graph->works.push_back(std::move(body));
        return nullptr;
    }
    if (is_named("LONGSPAN_EMULATED_FAULT", kernel)) {
        lost = true;
        return nullptr;
    }
    return body();
}

} // namespace ls::cuda::emulator

#define CALL extern "C" __attribute__((visibility("default"))) Result

CALL cuInit(unsigned) { return number("LONGSPAN_EMULATED_DEVICES", 1) == 0 ? NO_DEVICE : SUCCESS; }

CALL cuDriverGetVersion(int *version) {
    *version = (int)number("LONGSPAN_EMULATED_VERSION", 13000);
    return SUCCESS;
}

CALL cuGetErrorName(Result error, const char **name) {
    switch (error) {
        case SUCCESS: *name = "CUDA_SUCCESS"; break;
        case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; break;
        case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; break;
        case NO_DEVICE: *name = "CUDA_ERROR_NO_DEVICE"; break;
        case ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
        case CAPTURE_UNSUPPORTED: *name = "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"; break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}

CALL cuGetErrorString(Result error, const char **text) {
    switch (error) {
        case SUCCESS: *text = "no error"; break;
        case INVALID_VALUE: *text = "invalid argument"; break;
        case OUT_OF_MEMORY: *text = "out of memory"; break;
        case NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
        case ILLEGAL_ADDRESS: *text = "an illegal memory access was encountered"; break;
        case CAPTURE_UNSUPPORTED: *text = "operation not permitted when stream is capturing"; break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}

CALL cuDeviceGetCount(int *count) {
    *count = (int)number("LONGSPAN_EMULATED_DEVICES", 1);
    return SUCCESS;
}

CALL cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return ordinal < number("LONGSPAN_EMULATED_DEVICES", 1) ? SUCCESS : INVALID_DEVICE;
}

CALL cuDeviceGetName(char *name, int length, int) {
    std::snprintf(name, (size_t)length, "emulated device");
    return SUCCESS;
}

CALL cuDeviceGetAttribute(int *value, int attribute, int) {
    *value = attribute == 75 ? 8 : 0; // compute capability 8.0
    return SUCCESS;
}

CALL cuDeviceTotalMem_v2(size_t *bytes, int) {
    *bytes = (size_t)number("LONGSPAN_EMULATED_MEMORY", 4LL << 30);
    return SUCCESS;
}

CALL cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    *total = (size_t)number("LONGSPAN_EMULATED_MEMORY", 4LL << 30);
    *free_bytes = *total - memory.used;
    return status();
}

CALL cuDevicePrimaryCtxRetain(void **context, int) {
    *context = &memory;
    return SUCCESS;
}

CALL cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
CALL cuCtxSetCurrent(void *) { return SUCCESS; }

CALL cuMemAlloc_v2(uint64_t *address, size_t bytes) { return allocate(address, bytes); }
CALL cuMemFree_v2(uint64_t address) { return release(address); }
CALL cuMemAllocAsync(uint64_t *address, size_t bytes, void *) { return allocate(address, bytes); }

CALL cuMemFreeAsync(uint64_t address, void *stream) {
    // A graph that is launched again needs the memory again.
    return stream_of(stream).captured ? SUCCESS : release(address);
}

CALL cuMemHostAlloc(void **block, size_t bytes, unsigned) {
    return posix_memalign(block, 256, bytes ? bytes : 1) == 0 ? SUCCESS : OUT_OF_MEMORY;
}

CALL cuMemFreeHost(void *block) {
    std::free(block);
    return SUCCESS;
}

CALL cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
    return copy((void *)to, from, bytes, stream);
}

CALL cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
    return copy(to, (const void *)from, bytes, stream);
}

CALL cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *stream) {
    return copy((void *)to, (const void *)from, bytes, stream);
}

CALL cuMemsetD8Async(uint64_t at, unsigned char value, size_t count, void *stream) { return fill(at, value, count, stream); }
CALL cuMemsetD16Async(uint64_t at, uint16_t value, size_t count, void *stream) { return fill(at, value, count, stream); }
CALL cuMemsetD32Async(uint64_t at, uint32_t value, size_t count, void *stream) { return fill(at, value, count, stream); }

CALL cuMemsetD2D32Async(uint64_t at, size_t pitch, uint32_t value, size_t width, size_t height, void *stream) {
    for (size_t row = 0; row < height; row++) {
        fill(at + row * pitch, value, width, stream);
    }
    return status();
}

CALL cuStreamCreate(void **stream, unsigned) {
    *stream = new Stream;
    return status();
}

CALL cuStreamDestroy_v2(void *stream) {
    delete static_cast<Stream *>(stream);
    return SUCCESS;
}

CALL cuStreamSynchronize(void *stream) { return stream_of(stream).captured ? CAPTURE_UNSUPPORTED : status(); }
CALL cuStreamWaitEvent(void *, void *, unsigned) { return status(); }

CALL cuStreamBeginCapture_v2(void *stream, int) {
    stream_of(stream).captured = true;
    stream_of(stream).graph = std::make_shared<Graph>();
    return status();
}

CALL cuStreamEndCapture(void *stream, void **graph) {
    stream_of(stream).captured = false;
    *graph = new std::shared_ptr<Graph>(std::move(stream_of(stream).graph));
    return status();
}

CALL cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
    *executable = new std::shared_ptr<Graph>(*static_cast<std::shared_ptr<Graph> *>(graph));
    return status();
}

CALL cuGraphLaunch(void *executable, void *) {
    for (const Work &work : (*static_cast<std::shared_ptr<Graph> *>(executable))->works) {
        if (!lost && work()) {
            lost = true;
        }
    }
    return status();
}

CALL cuGraphExecDestroy(void *executable) {
    delete static_cast<std::shared_ptr<Graph> *>(executable);
    return SUCCESS;
}

CALL cuGraphDestroy(void *graph) {
    delete static_cast<std::shared_ptr<Graph> *>(graph);
    return SUCCESS;
}

// Streams do everything at once, so an event is the time of its recording.
using Moment = std::chrono::steady_clock::time_point;

CALL cuEventCreate(void **event, unsigned) {
    *event = new Moment();
    return status();
}

CALL cuEventDestroy_v2(void *event) {
    delete static_cast<Moment *>(event);
    return SUCCESS;
}

CALL cuEventRecord(void *event, void *) {
    *static_cast<Moment *>(event) = std::chrono::steady_clock::now();
    return status();
}

CALL cuEventSynchronize(void *) { return status(); }

CALL cuEventElapsedTime_v2(float *milliseconds, void *start, void *end) {
    *milliseconds = std::chrono::duration<float, std::milli>(*static_cast<Moment *>(end) - *static_cast<Moment *>(start)).count();
    return status();
}
