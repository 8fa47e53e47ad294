#!/bin/bash
# Builds the demo disk with NASM alone: build.sh OUTPUT. The output depends on the sources alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
assemble() { # assemble SOURCE TARGET
    (cd "$here" && nasm -f bin -Werror -w-reloc-rel-dword -I include/ -I kernel/ -I programs/ -I files/ -I "$work/" -o "$work/$2" "$1")
}
(cd "$here" && nasm -f bin -Werror -I include/ -p include/disk.inc -o "$work/mbr.bin" mbr.asm)
assemble boot.asm boot.bin
assemble loader.asm loader.bin
assemble kernel/kernel.asm kernel.bin
for source in "$here"/programs/*.asm; do
    assemble "$source" "$(basename "$source" .asm).bin"
done
# The directory: one line a file, with its size, since NASM cannot ask for it.
for file in "$work/kernel.bin" "$here"/files/*.txt $(for s in "$here"/programs/*.asm; do echo "$work/$(basename "$s" .asm).bin"; done); do
    name=$(basename "$file")
    base=$(printf '%-8s' "${name%.*}" | tr '[:lower:]' '[:upper:]')
    extension=$(printf '%-3s' "${name##*.}" | tr '[:lower:]' '[:upper:]')
    echo "FILE \"$base$extension\", \"$name\", $(($(wc -c < "$file")))"
done > "$work/files.inc"
assemble image.asm demo.img
mv "$work/demo.img" "$output"
