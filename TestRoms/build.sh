#!/bin/bash
# Rebuilds every image in TestRoms/images from TestRoms/src and TestRoms/demo with NASM. The output depends on the sources alone.
#   build.sh            rebuild
#   build.sh --check    rebuild into a temporary folder and fail if a committed image differs, is missing, or has no source
#   build.sh NAME...    rebuild only these; "demo" is the demo disk
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/images
check=false
if [ "${1:-}" = --check ]; then
    check=true
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    shift
fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for source in "$here"/src/*.asm; do names+=("$(basename "$source" .asm)"); done
    names+=(demo)
fi
mkdir -p "$out"
for name in "${names[@]}"; do
    if [ "$name" = demo ]; then
        bash "$here/demo/build.sh" "$out/demo.img"
        continue
    fi
    (cd "$here/src" && nasm -f bin -Werror -w-reloc-rel-dword -I include/ -o "$out/$name.bin" "$name.asm")
done
if $check; then
    diff -rq "$here/images" "$out"
    echo "${#names[@]} images match their sources"
fi
