#include "device.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <sys/mman.h>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

/* Saves the callee's registers on the running stack, keeps its top in *from and goes on where `to` was left. */
extern "C" void ls_switch(void **from, void *to);
asm(R"(
.text
.type ls_switch, @function
ls_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size ls_switch, .-ls_switch
)");

namespace ls::cuda::emulator {

thread_local Index here;
thread_local void *shared;
thread_local int64_t shared_bytes;
thread_local bool tracks_writes;

namespace {

constexpr size_t STACK_BYTES = 256 << 10;
constexpr int MOST_THREADS = 1024;

struct Copy {
    void *to;
    const void *from;
    int bytes, group;
    bool there;
};

struct Fiber {
    void *top = nullptr;
    char *stack = nullptr;
    void *sanitizer = nullptr;
    Collective waits = Collective::NONE;
    Exchange *exchange = nullptr;
    bool done = false;
    std::vector<Copy> copies;
    int group = 0;
};

/* The block that runs on this thread of the host. */
struct Block {
    Fiber fibers[MOST_THREADS];
    void *main_top = nullptr;
    void *main_sanitizer = nullptr;
    const void *main_stack = nullptr;
    size_t main_bytes = 0;
    int count = 0, left = 0;
    bool backward = false;
    const char *fault = nullptr;
    const std::function<void()> *body = nullptr;
    std::string text;

    Block() {
        const char *order = std::getenv("LONGSPAN_EMULATOR_ORDER");
        backward = order && std::strcmp(order, "backward") == 0;
    }

    ~Block() {
        for (Fiber &fiber : fibers) {
            if (fiber.stack) {
                munmap(fiber.stack, STACK_BYTES);
            }
        }
    }
};

thread_local Block block;

void go(Fiber *from, Fiber *to, bool last) {
    void **top = from ? &from->top : &block.main_top;
    void *target = to ? to->top : block.main_top;
#ifdef __SANITIZE_ADDRESS__
    void **mine = from ? &from->sanitizer : &block.main_sanitizer;
    __sanitizer_start_switch_fiber(last ? nullptr : mine, to ? to->stack : block.main_stack, to ? STACK_BYTES : block.main_bytes);
    ls_switch(top, target);
    __sanitizer_finish_switch_fiber(*mine, nullptr, nullptr);
#else
    (void)last;
    ls_switch(top, target);
#endif
}

/* Leaves the running fiber for the next one that can run, or for the host's stack. */
void leave(bool last) {
    int from = here.thread;
    Fiber &mine = block.fibers[from];
    int step = block.backward ? block.count - 1 : 1;
    for (int i = 1, next = (from + step) % block.count; i <= block.count; i++, next = (next + step) % block.count) {
        Fiber &fiber = block.fibers[next];
        if (!fiber.done && fiber.waits == Collective::NONE) {
            if (next != from) {
                here.thread = next;
                go(&mine, &fiber, last);
            }
            return;
        }
    }
    if (block.left > 0 && !block.fault) {
        block.text = "threads wait for others that never come, thread " + std::to_string(from) + " among them";
        block.fault = block.text.c_str();
    }
    go(&mine, nullptr, last);
}

/* Frees all threads of a barrier once every one that still runs is there. */
void release_barrier() {
    for (int t = 0; t < block.count; t++) {
        if (!block.fibers[t].done && block.fibers[t].waits != Collective::BARRIER) {
            return;
        }
    }
    for (int t = 0; t < block.count; t++) {
        block.fibers[t].waits = Collective::NONE;
    }
}

void enter() {
#ifdef __SANITIZE_ADDRESS__
    const void *bottom = nullptr;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
    if (!block.main_stack) {
        block.main_stack = bottom;
        block.main_bytes = bytes;
    }
#endif
    (*block.body)();
    Fiber &mine = block.fibers[here.thread];
    if (!mine.copies.empty()) {
        fault("a thread ended before its asynchronous copies");
    }
    mine.done = true;
    block.left--;
    release_barrier();
    leave(true);
    std::abort();
}

void start(Fiber &fiber) {
    if (!fiber.stack) {
        void *memory = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::bad_alloc();
        }
        fiber.stack = static_cast<char *>(memory);
    }
#ifdef __SANITIZE_ADDRESS__
    /* Frames that a thread before left behind. */
    __asan_unpoison_memory_region(fiber.stack, STACK_BYTES);
#endif
    /* Six registers, where to go, and what enter() would return to, so that its stack is aligned as after a call. */
    void **top = reinterpret_cast<void **>(fiber.stack + STACK_BYTES) - 8;
    for (int i = 0; i < 8; i++) {
        top[i] = nullptr;
    }
    top[6] = reinterpret_cast<void *>(&enter);
    fiber.top = top;
    fiber.waits = Collective::NONE;
    fiber.done = false;
    fiber.copies.clear();
    fiber.group = 0;
}

float half(uint32_t pair, int upper) { return float_of(upper ? pair & 0xffff0000u : pair << 16); }

/* c[g][2q + i], rows g and g + 8 of lane 4g + q, as every product of warps leaves them. */
template <int K, class A, class B> void multiply(Fiber *lanes, A a, B b) {
    float left[16][K], right[8][K];
    for (int l = 0; l < 32; l++) {
        a(l / 4, l % 4, lanes[l].exchange->a, left);
        b(l / 4, l % 4, lanes[l].exchange->b, right);
    }
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++) {
            int row = l / 4 + (i >= 2 ? 8 : 0), col = l % 4 * 2 + i % 2;
            float sum = 0;
            for (int k = 0; k < K; k++) {
                sum += left[row][k] * right[col][k];
            }
            lanes[l].exchange->c[i] += sum;
        }
    }
}

void multiply_bf16(Fiber *lanes) {
    multiply<16>(
        lanes,
        [](int g, int q, const uint32_t *a, float (*to)[16]) {
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 2; j++) {
                    to[g + i % 2 * 8][q * 2 + j + i / 2 * 8] = half(a[i], j);
                }
            }
        },
        [](int g, int q, const uint32_t *b, float (*to)[16]) {
            for (int i = 0; i < 2; i++) {
                for (int j = 0; j < 2; j++) {
                    to[g][q * 2 + j + i * 8] = half(b[i], j);
                }
            }
        });
}

void multiply_tf32(Fiber *lanes) {
    auto seen = [](uint32_t bits) { return float_of(bits & 0xffffe000u); };
    multiply<8>(
        lanes,
        [&](int g, int q, const uint32_t *a, float (*to)[8]) {
            for (int i = 0; i < 4; i++) {
                to[g + i % 2 * 8][q + i / 2 * 4] = seen(a[i]);
            }
        },
        [&](int g, int q, const uint32_t *b, float (*to)[8]) {
            for (int i = 0; i < 2; i++) {
                to[g][q + i * 4] = seen(b[i]);
            }
        });
}

void load(Fiber *lanes, bool transposed) {
    for (int l = 0; l < 32; l++) {
        if (reinterpret_cast<uintptr_t>(lanes[l].exchange->row) % 16 != 0) {
            fault("a matrix's row is not aligned to 16 bytes");
        }
    }
    for (int m = 0; m < 4; m++) {
        for (int l = 0; l < 32; l++) {
            uint16_t pair[2];
            for (int j = 0; j < 2; j++) {
                int row = transposed ? l % 4 * 2 + j : l / 4;
                int col = transposed ? l / 4 : l % 4 * 2 + j;
                pair[j] = static_cast<const uint16_t *>(lanes[m * 8 + row].exchange->row)[col];
            }
            lanes[l].exchange->a[m] = (uint32_t)pair[1] << 16 | pair[0];
        }
    }
}

void shuffle_words(Fiber *lanes) {
    uint64_t words[32];
    for (int l = 0; l < 32; l++) {
        words[l] = lanes[l].exchange->word;
    }
    for (int l = 0; l < 32; l++) {
        lanes[l].exchange->word = words[lanes[l].exchange->from & 31];
    }
}

void vote(Fiber *lanes) {
    uint32_t votes = 0;
    for (int l = 0; l < 32; l++) {
        votes |= (uint32_t)(lanes[l].exchange->word != 0) << l;
    }
    for (int l = 0; l < 32; l++) {
        lanes[l].exchange->word = votes;
    }
}

void work_together(Fiber *lanes) {
    void *arguments[32];
    for (int l = 0; l < 32; l++) {
        arguments[l] = lanes[l].exchange->argument;
        if (lanes[l].exchange->work != lanes[0].exchange->work) {
            fault("lanes of a warp are in different collectives");
        }
    }
    lanes[0].exchange->work(arguments);
}

/* Whether all lanes of the warp are there; ends the launch where one never can be. */
bool complete(Fiber *lanes, Collective kind) {
    bool all = true;
    for (int l = 0; l < 32; l++) {
        if (lanes[l].done) {
            fault("a lane ended before its warp's collective");
        }
        if (lanes[l].waits != kind) {
            if (lanes[l].waits != Collective::NONE && lanes[l].waits != Collective::EVENT) {
                fault("lanes of a warp are in different collectives");
            }
            all = false;
        }
    }
    return all;
}

} // namespace

void fault(const char *what) {
    block.text = std::string(what) + ", thread " + std::to_string(here.thread) + " of block " + std::to_string(here.block_x) +
                 " " + std::to_string(here.block_y) + " " + std::to_string(here.block_z);
    block.fault = block.text.c_str();
    go(&block.fibers[here.thread], nullptr, true);
    std::abort();
}

void meet(Collective kind, Exchange *exchange) {
    Fiber &mine = block.fibers[here.thread];
    mine.waits = kind;
    mine.exchange = exchange;
    if (kind == Collective::BARRIER) {
        release_barrier();
    } else {
        Fiber *lanes = block.fibers + here.thread / 32 * 32;
        if (complete(lanes, kind)) {
            switch (kind) {
            case Collective::SHUFFLE: shuffle_words(lanes); break;
            case Collective::VOTE: vote(lanes); break;
            case Collective::LOAD_MATRICES: load(lanes, false); break;
            case Collective::LOAD_TRANSPOSED: load(lanes, true); break;
            case Collective::MMA_BF16: multiply_bf16(lanes); break;
            case Collective::MMA_TF32: multiply_tf32(lanes); break;
            case Collective::WORK: work_together(lanes); break;
            default: break;
            }
            for (int l = 0; l < 32; l++) {
                lanes[l].waits = Collective::NONE;
            }
        }
    }
    while (mine.waits != Collective::NONE) {
        leave(false);
    }
}

void meet(Work *work, void *mine) {
    Exchange exchange{};
    exchange.work = work;
    exchange.argument = mine;
    meet(Collective::WORK, &exchange);
}

void wait_until(const std::function<bool()> &there) {
    while (!there()) {
        block.fibers[here.thread].waits = Collective::EVENT;
        leave(false);
    }
}

void wake() {
    for (int t = 0; t < block.count; t++) {
        if (block.fibers[t].waits == Collective::EVENT) {
            block.fibers[t].waits = Collective::NONE;
        }
    }
}

void hand_over() {
    int from = here.thread;
    for (int t = 0; t < block.count; t++) {
        if (block.fibers[t].waits == Collective::EVENT) {
            wake();
            here.thread = t;
            go(&block.fibers[from], &block.fibers[t], false);
            return;
        }
    }
}

void copy_later(void *to, const void *from, bool there, int bytes) {
    if (reinterpret_cast<uintptr_t>(to) % bytes != 0 || (there && reinterpret_cast<uintptr_t>(from) % bytes != 0)) {
        fault("an asynchronous copy is not aligned");
    }
    Fiber &mine = block.fibers[here.thread];
    mine.copies.push_back({to, from, bytes, mine.group, there});
}

void commit() { block.fibers[here.thread].group++; }

void wait(int groups) {
    Fiber &mine = block.fibers[here.thread];
    size_t done = 0;
    for (; done < mine.copies.size() && mine.copies[done].group < mine.group - groups; done++) {
        const Copy &copy = mine.copies[done];
        if (copy.there) {
            std::memcpy(copy.to, copy.from, copy.bytes);
        } else {
            std::memset(copy.to, 0, copy.bytes);
        }
        if (tracks_writes) {
            note_write(copy.to, copy.bytes);
        }
    }
    mine.copies.erase(mine.copies.begin(), mine.copies.begin() + (ptrdiff_t)done);
}

const char *run(int64_t x, int64_t y, int64_t z, int threads, int64_t bytes, const std::function<void()> &body) {
    void *memory = nullptr;
    if (bytes > 227 << 10) {
        return "too much shared memory";
    }
    if (posix_memalign(&memory, 128, bytes ? (size_t)bytes : 1) != 0) {
        return "out of memory";
    }
    block.fault = nullptr;
    block.body = &body;
    block.count = threads;
    shared = memory;
    shared_bytes = bytes;
    for (int64_t at = 0; at < x * y * z && !block.fault; at++) {
        std::memset(memory, 0xff, (size_t)bytes);
        begin_block();
        for (int t = 0; t < threads; t++) {
            start(block.fibers[t]);
        }
        block.left = threads;
        here = {block.backward ? threads - 1 : 0, threads, (int)(at % x), (int)(at / x % y), (int)(at / (x * y)), (int)x};
        go(nullptr, &block.fibers[here.thread], false);
        if (!block.fault) {
            block.fault = end_block();
        }
    }
    shared = nullptr;
    std::free(memory);
    return block.fault;
}

} // namespace ls::cuda::emulator
