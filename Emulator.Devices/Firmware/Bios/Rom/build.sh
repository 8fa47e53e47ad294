#!/bin/bash
# Rebuilds the system ROM, the video ROM's code and the option ROM of -kernel from their sources with NASM.
#   build.sh            rebuild
#   build.sh --check    fail if a committed image differs from what its source makes
set -euo pipefail
cd "$(dirname "$0")"
check=${1:-}
made=$(mktemp)
trap 'rm -f "$made"' EXIT
for name in bios video linux; do
    nasm -f bin -Werror -w-reloc-rel-dword -o "$made" "$name.asm"
    if [ "$check" = --check ]; then
        cmp "$name.bin" "$made"
        echo "$name.bin matches its source"
    else
        cat "$made" > "$name.bin"
    fi
done
