#!/bin/sh
# Runs nvcc; what ptxas says of each kernel is kept beside the object, for spills.cmake, and the rest goes on.
for word; do
    [ "$last" = -o ] && object=$word
    last=$word
done
"$@" > "$object.ptxas" 2>&1
status=$?
grep -v -e '^ptxas info' -e 'bytes stack frame' -e '^$' "$object.ptxas" >&2
exit $status
