#include "cema_case.h"

/* CEMA on the emulated device against plain loops in double: y, the last state, all gradients. */
int main() {
    uint64_t seed = 0;
    for (int64_t rows = 0; rows <= 40; rows++) {
        CemaCase{.rows = rows,
                 .channels = 1 + rows % 3,
                 .modes = 1 + rows % 5,
                 .batch = 1 + rows % 2,
                 .documents = rows % 3 == 1,
                 .reversed = rows % 2 == 1,
                 .seed = seed++}
            .check();
    }
    for (int64_t rows : {255, 256, 257, 272, 511, 513, 600}) {
        CemaCase{.rows = rows,
                 .channels = 3,
                 .modes = 16,
                 .batch = 2,
                 .documents = rows % 2 == 1,
                 .reversed = rows % 3 == 1,
                 .seed = seed++}
            .check();
    }
    CemaCase{.rows = 270, .channels = 2, .modes = 33, .batch = 1, .documents = true, .seed = seed++}.check();
    CemaCase{.rows = 260, .channels = 17, .modes = 2, .batch = 2, .documents = true, .seed = seed++}.check();
    CemaCase{.rows = 40, .channels = 17, .modes = 17, .batch = 2, .seed = seed++}.check();
    // Regular chunks and others side by side, more of them than a block takes at a time, and more channels.
    CemaCase{.rows = 800, .channels = 9, .modes = 16, .batch = 1, .documents = true, .reversed = true, .seed = seed++}
        .check();
    CemaCase{.rows = 768, .channels = 17, .modes = 5, .batch = 2, .seed = seed++}.check();
    // Sequences enough to take each one's chunks in order, with and without an unfinished chunk.
    CemaCase{.rows = 515, .channels = 1, .modes = 3, .batch = 4, .reversed = true, .seed = seed++}.check();
    CemaCase{.rows = 512, .channels = 17, .modes = 16, .batch = 2, .seed = seed++}.check();
    // A slow mode over several thousand steps: what a float32 q gets wrong by 4e-5.
    CemaCase{.rows = 9000, .channels = 1, .modes = 1, .batch = 1, .slow = true, .seed = seed++}.check();
    std::puts("cema: ok");
}
