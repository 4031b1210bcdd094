package dev.longspan.checkpoint;

import dev.longspan.checkpoint.Pickled.StoredTensor;
import dev.longspan.tensor.DType;
import java.util.Arrays;

/** A tensor within an entry of the archive, whose every element lies inside; offset and strides count elements. */
record TorchView(StoredZip.Entry entry, DType dtype, long offset, long[] shape, long[] strides) {

    /** Checks a view as the file says it; throws IllegalArgumentException naming what is wrong. */
    static TorchView of(StoredZip.Entry entry, DType dtype, StoredTensor tensor) {
        long stored = tensor.storage().elements();
        long[] shape = tensor.shape();
        long[] strides = tensor.strides();
        if (shape.length != strides.length) {
            throw new IllegalArgumentException("sizes and strides must have one length: " + told(tensor));
        }
        long elements = 1;
        long last = tensor.offset();
        try {
            for (int d = 0; d < shape.length; d++) {
                if (shape[d] < 0 || strides[d] < 0 || tensor.offset() < 0) {
                    throw new IllegalArgumentException("offset, sizes and strides must not be negative: " + told(tensor));
                }
                elements = Math.multiplyExact(elements, shape[d]);
                last = shape[d] == 0 ? last : Math.addExact(last, Math.multiplyExact(shape[d] - 1, strides[d]));
            }
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("tensor is too large to address: " + told(tensor));
        }
        if (tensor.offset() < 0 || tensor.offset() > stored || elements > 0 && last >= stored) {
            throw new IllegalArgumentException("tensor must lie within its storage: " + told(tensor));
        }
        if (elements > stored) {
            throw new IllegalArgumentException("elements of a tensor must not share their place: " + told(tensor));
        }
        return new TorchView(entry, dtype, tensor.offset(), shape, plain(shape, strides, elements == 0));
    }

    long elements() {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        return elements;
    }

    /** Strides along dimensions of one element mean nothing: those of a row-major tensor in their place. */
    private static long[] plain(long[] shape, long[] strides, boolean empty) {
        long[] plain = strides.clone();
        long step = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            plain[d] = empty ? 0 : shape[d] == 1 ? step : strides[d];
            step = empty ? 0 : plain[d] * shape[d];
        }
        return plain;
    }

    private static String told(StoredTensor tensor) {
        return "offset=" + tensor.offset() + ", sizes=" + Arrays.toString(tensor.shape()) + ", strides="
                + Arrays.toString(tensor.strides()) + ", storage=" + tensor.storage().elements() + " elements";
    }
}
