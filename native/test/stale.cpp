/* A library that looks like Longspan's and is of another version: the loader must refuse it. */
extern "C" __attribute__((visibility("default"))) int ls_abi_version() { return -1; }
