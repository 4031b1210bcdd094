#include "sizes.h"

/* Cross-entropy and its gradient against the formulas in double. */
namespace {

void check(int64_t rows, int64_t classes, int64_t gap, bool wide, bool front, bool spoilt) {
    int64_t pitch = classes + gap, n = rows ? (rows - 1) * pitch + classes : 0;
    Guarded<float> logits(n, front), d_logits(n, front), losses(rows, front), lse(rows, front), d_losses(rows, front);
    Guarded<int64_t> wides(rows, front);
    Guarded<int32_t> narrow(rows, front);
    Numbers numbers(rows * 7 + classes);
    numbers.fill(logits);
    numbers.fill(d_logits);
    numbers.fill(d_losses);
    poison(losses);
    poison(lse);
    for (int64_t i = 0; i < rows; i++) {
        wides[i] = i % 5 == 3 ? -100 : (i * 7 + 1) % classes;
        if (i % 3 == 1) {
            logits[i * pitch + wides[i] * (wides[i] > 0)] = 60; /* nearly certain */
            logits[i * pitch + classes / 2] = -INFINITY;
        }
    }
    if (spoilt) {
        wides[rows - 1] = classes;
    }
    for (int64_t i = 0; i < rows; i++) {
        narrow[i] = (int32_t)wides[i];
    }
    const void *targets = wide ? static_cast<const void *>(wides.begin()) : narrow.begin();
    works(ls_cuda_cross_entropy(logits, pitch, targets, wide, losses, lse, rows, classes, nullptr));
    std::vector<float> before(d_logits.begin(), d_logits.end());
    works(ls_cuda_cross_entropy_backward(logits, pitch, targets, wide, lse, d_losses, d_logits, pitch, rows, classes,
                                         nullptr));
    for (int64_t i = 0; i < rows; i++) {
        const float *x = logits + i * pitch;
        double max = -INFINITY, sum = 0;
        for (int64_t j = 0; j < classes; j++) {
            max = std::fmax(max, x[j]);
        }
        for (int64_t j = 0; j < classes; j++) {
            sum += std::exp(x[j] - max);
        }
        double total = max + std::log(sum);
        if (max == -INFINITY) {
            require(std::isnan(lse[i]), "a row of −∞ has no sum");
            continue;
        }
        close_to("lse", i, lse[i], total, 1e-6 * (1 + std::fabs(total)));
        bool counts = wides[i] >= 0 && wides[i] < classes;
        if (wides[i] >= classes) {
            require(std::isnan(losses[i]), "the loss of such a target is NaN");
        } else if (!counts || x[wides[i]] > -INFINITY) {
            close_to("loss", i, losses[i], counts ? total - x[wides[i]] : 0,
                     1e-6 * (1 + (counts ? total - x[wides[i]] : 0)));
        }
        for (int64_t j = 0; j < classes; j++) {
            double slope = counts ? d_losses[i] * (std::exp(x[j] - (double)lse[i]) - (j == wides[i])) : 0;
            close_to("dLogits", i * pitch + j, d_logits[i * pitch + j], before[i * pitch + j] + slope, 1e-6);
        }
        for (int64_t j = classes; j < pitch && i + 1 < rows; j++) {
            require(d_logits[i * pitch + j] == before[i * pitch + j], "what lies between rows must be left alone");
        }
    }
}

/* A row of one shared value, one of NaN, one of −∞ but for one. */
void extremes() {
    for (int64_t classes : {3, 40, 1500}) {
        Guarded<float> logits(3 * classes), losses(3), lse(3);
        Guarded<int32_t> targets(3);
        for (int64_t j = 0; j < classes; j++) {
            logits[j] = -3e38f;
            logits[classes + j] = j == 2 ? NAN : 1;
            logits[2 * classes + j] = j == 1 ? 5 : -INFINITY;
        }
        targets[0] = targets[1] = targets[2] = 1;
        works(ls_cuda_cross_entropy(logits, classes, targets, 0, losses, lse, 3, classes, nullptr));
        close_to("equal logits", 0, losses[0], std::log((double)classes), 1e-5);
        require(std::isnan(losses[1]) && std::isnan(lse[1]), "NaN is not lost");
        close_to("certain", 2, losses[2], 0, 0);
        close_to("certain", 2, lse[2], 5, 0);
    }
}

} // namespace

int main() {
    for (int64_t classes : {1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 40, 127, 130, 1024, 1025, 1500, 4100}) {
        for (int64_t rows : {0, 1, 2, 9, 17}) {
            if (rows > 2 && classes > 200) {
                continue;
            }
            for (int flags = 0; flags < 4; flags++) {
                check(rows, classes, flags % 2 ? classes % 4 : 3, flags % 2, flags / 2, rows > 1 && flags == 3);
            }
        }
    }
    extremes();
    std::puts("loss: ok");
}
