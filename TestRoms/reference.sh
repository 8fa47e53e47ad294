#!/bin/bash
# Runs ROMs on a reference emulator, to tell a wrong ROM from a wrong emulator.
#   reference.sh qemu|bochs NAME...     prints what the ROM writes to port 0xE9; "pass" is the last line of a good run
# Kernel images run on Bochs inside a BIOS image made by src/tools/bios-loader.asm. Bochs needs a display: rfb, with no client.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reference=$1
shift
status=0
for name in "$@"; do
    image=$here/images/$name.bin
    echo "== $name on $reference"
    kernel=true
    [ "$(stat -c %s "$image")" -eq 65536 ] && kernel=false
    case $reference in
        qemu)
            load=(-bios "$image")
            $kernel && load=(-kernel "$image")
            timeout "${TIMEOUT:-60}" qemu-system-i386 -accel tcg -m 32 -cpu "${CPU:-max}" "${load[@]}" -display none -serial null \
                -monitor none -device isa-debug-exit,iobase=0xf4,iosize=4 -debugcon stdio "${EXTRA[@]:+${EXTRA[@]}}" </dev/null
            code=$?
            echo "exit $code"
            [ $code -eq 33 ] || status=1
            ;;
        bochs)
            if $kernel; then
                (cd "$here/src" && nasm -f bin -DIMAGE="\"$image\"" -o "$work/bios.bin" tools/bios-loader.asm) || exit 2
            else
                cp "$image" "$work/bios.bin"
            fi
            # A VGA ROM must exist: 2 KiB of "55 AA, 4 blocks, RETF" and its checksum. The debugger build waits for "continue".
            printf '\x55\xaa\x04\xcb' > "$work/vga.bin"
            truncate -s 2047 "$work/vga.bin"
            printf '\x32' >> "$work/vga.bin"
            echo c > "$work/rc"
            cat > "$work/bochsrc" <<RC
megs: 32
cpu: model=${CPU:-bx_generic}, count=1, ips=20000000, reset_on_triple_fault=1
romimage: file=$work/bios.bin, address=0xffff0000
vgaromimage: file=$work/vga.bin
display_library: rfb, options="timeout=0"
sound: driver=dummy, waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
port_e9_hack: enabled=1
com1: enabled=1, mode=null
clock: sync=none, time0=1000000000
log: $work/log
error: action=ignore
panic: action=report
RC
            timeout "${TIMEOUT:-120}" bochs -q -f "$work/bochsrc" -rc "$work/rc" </dev/null > "$work/out" 2>"$work/err"
            grep -aE '^(ok|FAIL|pass|fail) ' "$work/out" || tail -n 5 "$work/log"
            [ -n "${KEEP:-}" ] && cp "$work/log" /tmp/bochs.log
            grep -aq '^pass' "$work/out" || status=1
            ;;
        *) echo "reference.sh qemu|bochs NAME..." >&2; exit 2 ;;
    esac
done
exit $status
