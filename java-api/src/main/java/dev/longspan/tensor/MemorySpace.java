package dev.longspan.tensor;

/** Where a storage lies: reachable by the CPU, or on a device. */
public enum MemorySpace {
    HOST, DEVICE
}
