#!/bin/bash
# Rebuilds the system ROM from its source with NASM.
#   build.sh            rebuild
#   build.sh --check    fail if the committed image differs from what the source makes
set -euo pipefail
cd "$(dirname "$0")"
out=bios.bin
if [ "${1:-}" = --check ]; then
    out=$(mktemp)
    trap 'rm -f "$out"' EXIT
fi
nasm -f bin -Werror -w-reloc-rel-dword -o "$out" bios.asm
if [ "$out" != bios.bin ]; then
    cmp bios.bin "$out"
    echo "the system ROM matches its source"
fi
