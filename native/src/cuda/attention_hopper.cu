#include "attention.h"
#include "device_hopper.h"

/*
 * attention_forward on devices of compute capability 9.0, for bfloat16 heads of up to 128 columns: a block of 128 queries, of which
 * two warpgroups hold 64 each, and a third group whose one thread loads tiles of 128 keys and values. A group's scores of a tile are
 * computed while the weights of the tile before are multiplied by its values, and its exponentials while the other group has the
 * matrix units (Shah et al., arXiv 2407.08608, sections 3.1 and 3.2).
 *
 * A tile is 4 · 128 · 128 · D FLOP, at 4,096 a cycle of a multiprocessor 1,024 cycles for D = 64 and 2,048 for D = 128, and 16,384
 * exponentials, at 16 a cycle 1,024. So products bound D = 128, and exponentials D = 64 as much. Its K and V are 512 · D bytes: 128
 * FLOP a byte, so 600 TFLOP/s want 4.7 TB/s, which only L2 gives; blocks of one head run side by side. A block's first tile and its
 * results overlap nothing, as one block fills a multiprocessor: of N = 2,048 keys that is a tenth.
 *
 * NOT YET RUN ON A DEVICE, and so taken only where Params.key_period asks for it. The emulator runs this source: descriptors, swizzles,
 * fragments, phases, fences. What it cannot show: that the driver accepts the tensor maps, that ptxas keeps products asynchronous
 * (its warnings are errors), registers of setmaxnreg, real time.
 */
namespace ls::cuda {

namespace {

constexpr int QUERIES = 128, KEYS = 128; /* of a block and a tile */
constexpr int CONSUMERS = 2 * GROUP, THREADS = CONSUMERS + GROUP;
constexpr int TILE_STAGES = 2;
/* Of barriers; 0 is the whole block's. Each group has one for its turn. */
constexpr int TURN = 1, TAIL = 3;

/* K or V in device memory as its tiles are loaded: every key_period-th row from any, as groups of as many rows. */
struct Source {
    int64_t before; /* rows in front of the tensor that make its groups whole */
    Tiles tiles;

    Source(const void *at, int64_t dim, int64_t batch_stride, int64_t row, int64_t head, const Params &p) {
        int64_t period = p.key_period, groups = (p.keys + period - 1) / period;
        before = groups * period - p.keys;
        /* No tile begins in front of the tensor, so nothing there is read. */
        tiles = {static_cast<const bf16 *>(at) - before * row,
                 {dim, period, groups, p.heads, p.batch},
                 {2, row * 2, period * row * 2, p.heads > 1 ? head * 2 : 16, p.batch > 1 ? batch_stride * 2 : 16},
                 {WIDTH<bf16>, 1, KEYS, 1, 1}};
    }

    /* What a tensor map can describe. */
    bool fits() const {
        bool all = reinterpret_cast<uintptr_t>(tiles.first) % 16 == 0;
        for (int i = 0; i < Tiles::RANK; i++) {
            all &= tiles.sizes[i] > 0 && tiles.sizes[i] <= INT32_MAX;
            all &= i == 0 || (tiles.strides[i] > 0 && tiles.strides[i] % 16 == 0 && tiles.strides[i] < 1ll << 40);
        }
        return all;
    }
};

Source key_source(const Params &p) { return {p.k, p.dim, p.k_batch, p.k_row, p.k_head, p}; }
Source value_source(const Params &p) { return {p.v, p.value_dim, p.v_batch, p.v_row, p.v_head, p}; }

/* Panels of one tile in a ring, and which of its stages are full and empty. */
template <int D> struct Stages {
    static constexpr int BYTES = KEYS * D * 2;
    unsigned char *memory;
    Arrivals *full, *empty;

    LS_DEVICE unsigned char *at(int tile) const { return memory + tile % TILE_STAGES * BYTES; }
    LS_DEVICE static int phase(int tile) { return tile / TILE_STAGES & 1; }
    LS_DEVICE void wait_full(int tile) const { full[tile % TILE_STAGES].wait(phase(tile)); }

    /* A consumer's warp has read the tile. */
    LS_DEVICE void release(int tile) const {
        if (lane() == 0) {
            empty[tile % TILE_STAGES].arrive();
        }
    }

    /* The loading thread: tile number `tile` of the block has row `row` of its group `phase_of_rows` first. */
    LS_DEVICE void load(const TensorMap &map, int tile, int phase_of_rows, int row, int head, int batch) const {
        empty[tile % TILE_STAGES].wait(phase(tile) ^ 1);
        Arrivals &arrivals = full[tile % TILE_STAGES];
        arrivals.expect(BYTES);
        LS_UNROLL
        for (int panel = 0; panel < D / WIDTH<bf16>; panel++) {
            load_tile(at(tile) + panel * KEYS * ROW_BYTES, map, arrivals, panel * WIDTH<bf16>, phase_of_rows, row, head, batch);
        }
    }
};

struct Block {
    Task task;
    Operand<bf16> queries;
    Interval rows[QUERIES];
    Arrivals full[2][TILE_STAGES], empty[2][TILE_STAGES];
};

/* Begins to load the block's queries, all threads. */
template <int D> LS_DEVICE void load_queries(unsigned char *to, const Operand<bf16> &x, int from) {
    constexpr int PER_ROW = D * 2 / 16;
    for (int i = thread_index(); i < QUERIES * PER_ROW; i += THREADS) {
        int r = i / PER_ROW, c = i % PER_ROW;
        bool there = from + r < x.count && c * 8 < x.dim;
        copy_async(to + c / 8 * QUERIES * ROW_BYTES + chunk_at(r, c % 8), there ? x.at(from + r) + c * 8 : x.first, there);
    }
}

/* A consumer's group. */
template <int D> struct Group {
    static constexpr int N = KEYS / 8, PANEL = KEYS * ROW_BYTES;

    const Params &p;
    Block &block;
    int number, from, batch; /* of the group, of its first query */
    float scale;
    float max[2] = {-INF, -INF}, sum[2] = {};

    LS_DEVICE int row_of(int half) const { return thread_index() % GROUP / WARP * 16 + half * 8 + lane() / 4; }

    /* scores = queries · keysᵀ, begun. */
    LS_DEVICE void begin_scores(float (&scores)[N][4], const unsigned char *queries, const unsigned char *keys) const {
        const uint64_t a = operand_at(queries + number * 64 * ROW_BYTES, QUERIES * ROW_BYTES), b = operand_at(keys, PANEL);
        LS_UNROLL
        for (int i = 0; i < D / 16; i++) {
            /* 32 bytes further in the rows of a panel, or in the next one. */
            uint64_t step = (uint64_t)(i / STEPS * PANEL + i % STEPS * 32) >> 4;
            multiply_rows(scores, a + step, b + step, i > 0);
        }
        commit_products();
    }

    /* out += weights · values, begun. */
    LS_DEVICE void begin_sums(float (&out)[D / 8][4], const uint32_t (&weights)[KEYS / 16][4], const unsigned char *values) const {
        const uint64_t b = operand_at(values, PANEL);
        LS_UNROLL
        for (int i = 0; i < KEYS / 16; i++) {
            multiply_columns(out, weights[i], b + (i * 16 * ROW_BYTES >> 4));
        }
        commit_products();
    }

    /* Scores of a tile become weights; what earlier ones are multiplied by goes to rescale. */
    LS_DEVICE void weigh(float (&scores)[N][4], const Sight &sight, int key, float (&rescale)[2]) {
        if (!sight.all(key, KEYS)) {
            LS_UNROLL
            for (int half = 0; half < 2; half++) {
                Interval seen = block.rows[number * 64 + row_of(half)];
                int first = seen.first - key - lane() % 4 * 2, end = seen.end - key - lane() % 4 * 2;
                LS_UNROLL
                for (int i = 0; i < 2 * N; i++) {
                    float &s = scores[i / 2][2 * half + i % 2];
                    int column = i / 2 * 8 + i % 2;
                    s = column >= first && column < end ? s : -INF;
                }
            }
        }
        LS_UNROLL
        for (int half = 0; half < 2; half++) {
            float most = max[half];
            LS_UNROLL
            for (int n = 0; n < N; n++) {
                most = fmaxf(most, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
            }
            most = row_max(most);
            /* No key yet: −∞ − −∞ would be NaN. */
            float base = most == -INF ? 0 : most * scale;
            rescale[half] = exp2_fast(fmaf(max[half], scale, -base));
            float total = sum[half] * rescale[half];
            LS_UNROLL
            for (int n = 0; n < N; n++) {
                LS_UNROLL
                for (int i = 2 * half; i < 2 * half + 2; i++) {
                    scores[n][i] = exp2_fast(fmaf(scores[n][i], scale, -base));
                    total += scores[n][i];
                }
            }
            max[half] = most;
            sum[half] = total;
        }
    }

    LS_DEVICE static void pack(uint32_t (&weights)[KEYS / 16][4], const float (&scores)[N][4]) {
        LS_UNROLL
        for (int i = 0; i < KEYS / 16; i++) {
            LS_UNROLL
            for (int j = 0; j < 4; j++) {
                weights[i][j] = pack_bf16(scores[2 * i + j / 2][j % 2 * 2], scores[2 * i + j / 2][j % 2 * 2 + 1]);
            }
        }
    }

    /* Values behind the task's last key become 0: what lies there may be NaN, and 0 · NaN is. All consumers. */
    LS_DEVICE void clear_tail(unsigned char *values, int key) const {
        int left = (int)block.task.keys - key;
        if (left >= KEYS) {
            return;
        }
        LS_UNROLL
        for (int panel = 0; panel < D / WIDTH<bf16>; panel++) {
            for (int at = left * ROW_BYTES + thread_index() % CONSUMERS * 16; at < PANEL; at += CONSUMERS * 16) {
                store_zeros(values + panel * PANEL + at);
            }
        }
        share_writes();
        barrier_of(TAIL, CONSUMERS);
    }

    LS_DEVICE void merge(const float (&out)[D / 8][4]) const {
        const Task &task = block.task;
        LS_UNROLL
        for (int half = 0; half < 2; half++) {
            int t = from + row_of(half);
            bool there = t < task.queries;
            int64_t row = query_rows(task).at(there ? t : (int)task.queries - 1);
            float &lse = p.lse[batch * p.lse_batch + task.head * p.lse_head + row * p.lse_row];
            Share share = share_of(max[half] * scale, row_sum(sum[half]), task.pads, lse);
            warp_barrier(); /* four lanes read what one writes */
            if (!there || share.nothing) {
                continue;
            }
            if (lane() % 4 == 0) {
                lse = share.lse;
            }
            bf16 *to = static_cast<bf16 *>(p.out) + batch * p.out_batch + task.head * p.out_head + row * p.out_row;
            LS_UNROLL
            for (int n = 0; n < D / 8; n++) {
                int column = n * 8 + lane() % 4 * 2;
                if (column < p.value_dim) {
                    uint32_t &pair = *reinterpret_cast<uint32_t *>(to + column);
                    uint32_t earlier = share.keep == 0 ? 0 : pair;
                    pair = pack_bf16(merged(bf16{(uint16_t)earlier}, out[n][2 * half], share),
                                     merged(bf16{(uint16_t)(earlier >> 16)}, out[n][2 * half + 1], share));
                }
            }
        }
    }

    /* Tiles first to end, in turns with the other group. */
    LS_DEVICE void run(const unsigned char *queries, const Stages<D> &keys, const Stages<D> &values, int first, int end) {
        const Sight sight = Sight::of(block.rows, number * 64 + thread_index() % GROUP / WARP * 16, 16);
        const int count = end - first;
        float scores[N][4], out[D / 8][4] = {}, rescale[2];
        uint32_t weights[KEYS / 16][4];
        if (count > 0) {
            keys.wait_full(0);
            begin_products();
            begin_scores(scores, queries, keys.at(0));
            wait_for_products<0>();
            settle(scores);
            keys.release(0);
            weigh(scores, sight, first * KEYS, rescale);
            pack(weights, scores);
        }
        if (count > 1) {
            keys.wait_full(1);
            if (number == 1) {
                arrive_at(TURN, CONSUMERS);
            }
        }
        LS_ROLLED
        for (int tile = 1; tile < count; tile++) {
            barrier_of(TURN + number, CONSUMERS);
            settle(out);
            settle(weights);
            begin_products();
            begin_scores(scores, queries, keys.at(tile));
            values.wait_full(tile - 1);
            begin_products();
            begin_sums(out, weights, values.at(tile - 1));
            if (number == 0 || tile + 1 < count) {
                arrive_at(TURN + 1 - number, CONSUMERS);
            }
            wait_for_products<1>();
            settle(scores);
            keys.release(tile);
            weigh(scores, sight, (first + tile) * KEYS, rescale);
            /* Here, since ptxas moves no exponentials behind a wait that may loop, but would behind that for the product. */
            settle(scores);
            keys.wait_full(tile + 1 < count ? tile + 1 : tile);
            wait_for_products<0>();
            settle(out);
            values.release(tile - 1);
            LS_UNROLL
            for (int i = 0; i < D / 2; i++) {
                out[i / 4][i % 4] *= rescale[i % 4 / 2];
            }
            pack(weights, scores);
        }
        if (count > 0) {
            values.wait_full(count - 1);
            clear_tail(values.at(count - 1), (end - 1) * KEYS);
            settle(out);
            settle(weights);
            begin_products();
            begin_sums(out, weights, values.at(count - 1));
            wait_for_products<0>();
            settle(out);
        }
        merge(out);
    }
};

template <int D> LS_KERNEL_OF(THREADS, 1)
attention_hopper(Params p, LS_CONSTANT TensorMap key_map, LS_CONSTANT TensorMap value_map, int tiles, int before) {
    /* The last tiles first: where causal they take longest. */
    const int from = (tiles - 1 - block_x() % tiles) * QUERIES, number = block_x() / tiles, batch = block_y();
    if (from >= p.tasks[number].queries) {
        return;
    }
    unsigned char *queries = shared_memory<unsigned char>();
    queries += -reinterpret_cast<uintptr_t>(queries) % PANEL_ALIGNMENT;
    unsigned char *tile_memory = queries + QUERIES * D * 2;
    Block &block = *reinterpret_cast<Block *>(tile_memory + 2 * TILE_STAGES * Stages<D>::BYTES);
    const Stages<D> keys{tile_memory, block.full[0], block.empty[0]};
    const Stages<D> values{tile_memory + TILE_STAGES * Stages<D>::BYTES, block.full[1], block.empty[1]};
    if (thread_index() == 0) {
        prefetch(key_map);
        prefetch(value_map);
        block.task = p.tasks[number];
        block.queries = queries_of<bf16>(p, block.task, batch);
        for (int i = 0; i < 2 * TILE_STAGES; i++) {
            block.full[i / TILE_STAGES][i % TILE_STAGES].begin(1);
            block.empty[i / TILE_STAGES][i % TILE_STAGES].begin(CONSUMERS / WARP);
        }
        share_arrivals();
        share_writes();
    }
    barrier();
    load_queries<D>(queries, block.queries, from);
    commit_copies();
    if (thread_index() < QUERIES) {
        block.rows[thread_index()] = visible_or_last(p, block.task, batch, from + thread_index());
    }
    wait_for_copies<0>();
    share_writes();
    barrier();
    const Sight sight = Sight::of(block.rows, 0, QUERIES);
    /* From a lane, so that the compiler sees that warps stay together, or it would serialise products. */
    const int first = shuffle(sight.least_first / KEYS, 0), seen = shuffle((sight.greatest_end + KEYS - 1) / KEYS, 0);
    const int end = seen > first ? seen : first, group = shuffle(thread_index() / GROUP, 0);

    if (group == CONSUMERS / GROUP) {
        keep_registers<24>();
        if (thread_index() == CONSUMERS) {
            const int64_t start = block.task.key_start + before;
            const int phase = (int)(start % p.key_period), row = (int)(start / p.key_period) + first * KEYS;
            const int head = (int)block.task.head;
            LS_ROLLED
            for (int tile = 0; tile < end - first; tile++) {
                keys.load(key_map, tile, phase, row + tile * KEYS, head, batch);
                values.load(value_map, tile, phase, row + tile * KEYS, head, batch);
            }
        }
    } else {
        take_registers<240>();
        /* max·scale must order as scores do, also where the scale is 0. */
        Group<D> g{p, block, group, from + group * 64, batch, fmaxf((float)p.scale * LOG2_E, 1e-30f)};
        g.run(queries, keys, values, first, end);
    }
}

template <int D> ls_status run(const Params &p, void *stream) {
    int64_t tiles = (p.most_queries + QUERIES - 1) / QUERIES;
    int64_t shared = PANEL_ALIGNMENT + QUERIES * D * 2 + 2 * TILE_STAGES * Stages<D>::BYTES + (int64_t)sizeof(Block);
    Source keys = key_source(p), values = value_source(p);
    TensorMap key_map, value_map;
    LS_TRY(map_tiles(key_map, keys.tiles));
    LS_TRY(map_tiles(value_map, values.tiles));
    return LS_LAUNCH(attention_hopper<D>, (Grid{p.task_count * tiles, p.batch}), THREADS, shared, stream, p, key_map, value_map,
                     (int)tiles, (int)keys.before);
}

} // namespace

bool hopper_serves(const Params &p) {
    auto whole = [](const void *at, int64_t row, int64_t head, int64_t batch) {
        return reinterpret_cast<uintptr_t>(at) % 16 == 0 && row % 8 == 0 && head % 8 == 0 && batch % 8 == 0;
    };
    return p.key_period > 0 && p.half && p.dim <= 128 && p.value_dim <= 128 && p.dim % 8 == 0 && p.value_dim % 8 == 0 && !p.mask &&
           p.drop_rate == 0 && p.epoch == 0 && p.scale >= 0 && p.keys > 0 && whole(p.q, p.q_row, p.q_head, p.q_batch) &&
           whole(p.out, p.out_row, p.out_head, p.out_batch) && key_source(p).fits() && value_source(p).fits() && capability() == 90;
}

ls_status attention_by_hopper(const Params &p, void *stream) {
    return p.dim <= 64 && p.value_dim <= 64 ? run<64>(p, stream) : run<128>(p, stream);
}

} // namespace ls::cuda
