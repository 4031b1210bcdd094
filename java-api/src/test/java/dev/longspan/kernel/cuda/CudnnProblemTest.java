package dev.longspan.kernel.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What is refused before cuDNN hears of it, cuDNN being absent or not. */
final class CudnnProblemTest {

    private static final CudnnLayout TOKENS = CudnnLayout.ofTokens(2, 100, 4, 64);

    @Test
    void tokensLieOneAfterTheOtherWithTheirHeads() {
        assertThat(TOKENS).isEqualTo(new CudnnLayout(2, 4, 100, 64, 25_600, 64, 256));
    }

    @Test
    void aDilatedBranchIsAWiderStrideAndCountsTheRowsItReaches() {
        assertThat(TOKENS.dilated(3)).isEqualTo(new CudnnLayout(2, 4, 34, 64, 25_600, 64, 768));
        assertThatIllegalArgumentException().isThrownBy(() -> TOKENS.dilated(0)).withMessage(
                "dilation must be from 1 to 2147483647: dilation=0");
    }

    @Test
    void sizesOutsideOfWhatAKernelCountsAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> CudnnLayout.ofTokens(0, 100, 4, 64))
                .withMessage("batch must be from 1 to 65535: batch=0");
        assertThatIllegalArgumentException().isThrownBy(() -> CudnnLayout.ofTokens(1, 100, 70_000, 64))
                .withMessage("heads must be from 1 to 65535: heads=70000");
        assertThatIllegalArgumentException().isThrownBy(() -> CudnnLayout.ofTokens(1, 1L << 31, 4, 64))
                .withMessage("rows must be from 1 to 2147483647: rows=2147483648");
    }

    @Test
    void rowsThatDoNotStartAtPiecesOf16BytesAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> CudnnLayout.ofTokens(1, 100, 4, 20))
                .withMessage("cols must be a multiple of 8, 16 bytes: cols=20");
        assertThatIllegalArgumentException().isThrownBy(() -> new CudnnLayout(1, 1, 100, 64, 6500, 65, 65))
                .withMessage("batchStride must be a multiple of 8, 16 bytes: batchStride=6500");
        assertThatIllegalArgumentException().isThrownBy(() -> new CudnnLayout(1, 1, 100, 64, 6400, 64, 0))
                .withMessage("rowStride must be from 1 to 549755813887: rowStride=0");
    }

    @Test
    void tensorsThatDoNotFitAreRefusedByName() {
        assertThatIllegalArgumentException().isThrownBy(() -> problem(CudnnLayout.ofTokens(2, 100, 4, 32), TOKENS, TOKENS))
                .withMessageStartingWith("k must be [2, 4, 100, 64]: k=");
        assertThatIllegalArgumentException().isThrownBy(() -> problem(TOKENS, CudnnLayout.ofTokens(2, 99, 4, 64), TOKENS))
                .withMessageStartingWith("v must be [2, 4, 100, 64]: v=");
        assertThatIllegalArgumentException().isThrownBy(() -> problem(TOKENS, TOKENS, CudnnLayout.ofTokens(1, 100, 4, 64)))
                .withMessageStartingWith("out must be [2, 4, 100, 64]: out=");
    }

    @Test
    void anOutputThatOverlapsItselfIsRefused() {
        CudnnLayout shared = new CudnnLayout(2, 4, 100, 64, 25_600, 32, 256);
        assertThat(problem(TOKENS, shared, TOKENS).v()).isEqualTo(shared);
        assertThatIllegalArgumentException().isThrownBy(() -> problem(TOKENS, TOKENS, shared))
                .withMessageStartingWith("elements of out must not overlap: out=");
        assertThatIllegalArgumentException().isThrownBy(
                () -> problem(TOKENS, TOKENS, new CudnnLayout(2, 4, 100, 64, 25_592, 64, 256)));
        // The stride of a single item is never taken.
        assertThat(new CudnnLayout(1, 4, 100, 64, 8, 64, 256).overlaps()).isFalse();
    }

    @Test
    void aQueryBeforeTheFirstKeyIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CudnnProblem(TOKENS, TOKENS, TOKENS, TOKENS, 1, OptionalInt.of(-1), false))
                .withMessage("firstQuery must not be negative: firstQuery=-1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CudnnProblem(TOKENS, TOKENS, TOKENS, TOKENS, Float.NaN, OptionalInt.empty(), false))
                .withMessage("scale must be finite: scale=NaN");
    }

    @Test
    void addressesMustBeThereAndStartAtPiecesOf16Bytes() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CudnnData(16, 0, 48, 64, 0, 0))
                .withMessage("k must have an address");
        assertThatIllegalArgumentException().isThrownBy(() -> new CudnnData(16, 32, 50, 64, 0, 0))
                .withMessage("v must start at a multiple of 16 bytes: v=0x32");
        CudnnData data = new CudnnData(16, 32, 48, 64, 0, 0);
        data.check(false, 0);
        assertThatIllegalArgumentException().isThrownBy(() -> data.check(true, 0)).withMessage("lse must have an address: lse=0x0");
        assertThatIllegalArgumentException().isThrownBy(() -> data.check(false, 256))
                .withMessage("workspace must have an address of 256 bytes");
        assertThatIllegalArgumentException().isThrownBy(() -> new CudnnData(16, 32, 48, 64, 80, 0).check(false, 0))
                .withMessage("lse was not planned for: lse=0x50");
    }

    private static CudnnProblem problem(CudnnLayout k, CudnnLayout v, CudnnLayout out) {
        return new CudnnProblem(TOKENS, k, v, out, 0.125f, OptionalInt.empty(), true);
    }
}
