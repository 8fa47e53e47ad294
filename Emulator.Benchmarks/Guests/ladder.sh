#!/bin/bash
# Runs real guests with the built-in firmware and with SeaBIOS and prints a table: ladder.sh DIRECTORY [RUNG...]
#   DIRECTORY   where guests are made, once, and where each run leaves its output (DIRECTORY/runs)
#   RUNG        seabios hello grub-hello grub-floppy grub-cd freedos invaders memtest-cd hdt linux linux-pic linux-cd linux-disk (the default: all of these),
#               slow ones by name only: invaders-end memtest memtest-cd-pass memtest-isolinux installer installer-cd debian;
#               "slow" stands for those, "prepare" only makes the guests
# EMU names the program (default: emu on the PATH); LIMIT is the most seconds of a run (default 600); EMU_OPTIONS holds options for each run, such as '--engine interpreter'.
# Needs: apt, dpkg, xorriso, mtools, syslinux, grub-mkrescue, and the folder shared beside the repository (or $EMULATOR_SHARED) for the FreeDOS
# floppy disk and the Linux guest, which .ci/guests or shared/bench/linux/build.sh has built ($LINUX_GUEST, default artifacts/guests/linux).
# Package lists and packages go to DIRECTORY: the machine's own package database is left alone. Rung debian needs root, for debian-disk.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); top=$(cd "$here/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,10s/^# \?//p' "$0" >&2; exit 2; }
mkdir -p "$1"; dir=$(cd "$1" && pwd); shift
emu=${EMU:-emu}; read -r -a options <<< "${EMU_OPTIONS:-}"
shared=${EMULATOR_SHARED:-$top/../shared}; linux=${LINUX_GUEST:-$top/artifacts/guests/linux}
x=$dir/packages; runs=$dir/runs; mkdir -p "$runs"
seabios=$x/usr/share/seabios
installer=$x/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386
quick='console=ttyS0 cryptomgr.notests initcall_blacklist=load_system_certificate_list scale=1'
failures=0

# --- preparation: each function makes what it names and keeps what is there

packages() {
  [ ! -e "$x/done" ] || return 0
  local state=$dir/apt; mkdir -p "$state"/{lists/partial,cache/archives/partial} "$x" "$dir/debs"; : > "$state/status"
  local apt=(-qq -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" -o Dir::Cache="$state/cache"
    -o APT::Architecture=i386 -o APT::Architectures::=i386 -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update || echo "some package lists did not arrive; going on with the others" >&2
  (cd "$dir/debs"; apt-get "${apt[@]}" download seabios grub-pc-bin:i386 grub-rescue-pc:i386 grub-invaders:i386 memtest86+:i386 syslinux-common isolinux debian-installer-12-netboot-i386)
  for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$x"; done
  : > "$x/done"
}

grub_hello() {
  [ ! -e "$dir/grub-hello.iso" ] || return 0
  local tree=$dir/grub-hello; mkdir -p "$tree/boot/grub"
  "$emu" rom extract serial "$tree/boot/serial.bin" > /dev/null
  printf 'set timeout=0\nmenuentry serial {\n multiboot /boot/serial.bin\n}\n' > "$tree/boot/grub/grub.cfg"
  grub-mkrescue -d "$x/usr/lib/grub/i386-pc" -o "$dir/grub-hello.iso" "$tree" 2> "$dir/grub-hello.log"
}

# isolinux IMAGE KERNEL INITRD COMMAND-LINE
isolinux() {
  [ ! -e "$1" ] || return 0
  local tree; tree=$(mktemp -d "$dir/iso.XXXX"); mkdir "$tree/isolinux"
  cp "$2" "$tree/linux"; cp "$3" "$tree/initrd.gz"
  cp "$x/usr/lib/ISOLINUX/isolinux.bin" "$x/usr/lib/syslinux/modules/bios/ldlinux.c32" "$tree/isolinux/"
  printf 'DEFAULT l\nPROMPT 0\nLABEL l\n KERNEL /linux\n INITRD /initrd.gz\n APPEND %s\n' "$4" > "$tree/isolinux/isolinux.cfg"
  xorriso -as mkisofs -quiet -o "$1" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$tree" 2> "$1.log"
  rm -r "$tree"
}

hdt_floppy() {
  [ ! -e "$dir/hdt-pci.img" ] || return 0
  local image=$dir/hdt-pci.img modules=$x/usr/lib/syslinux/modules/bios
  truncate -s 1440K "$image.new"; mformat -i "$image.new" -f 1440 ::
  syslinux --install "$image.new"
  printf 'DEFAULT hdt.c32\nPROMPT 0\n' > "$dir/hdt.cfg"
  mcopy -o -i "$image.new" "$dir/hdt.cfg" ::syslinux.cfg
  # The whole list of PCI devices is larger than a floppy disk: the board's own.
  printf '1234  Emulator\n\t1111  Bochs VBE display\n8086  Intel Corporation\n\t1237  440FX PMC\n\t7000  PIIX3 ISA\n\t7010  PIIX3 IDE\n\t7113  PIIX4 ACPI\n' > "$dir/pci.ids"
  mcopy -o -i "$image.new" "$dir/pci.ids" ::pci.ids
  for m in hdt libcom32 libgpl libmenu libutil; do mcopy -i "$image.new" "$modules/$m.c32" ::; done
  mv "$image.new" "$image"
}

# A FAT file system over the whole disk, whose boot sector is syslinux's.
linux_disk() {
  [ ! -e "$dir/linux-disk.img" ] || return 0
  local image=$dir/linux-disk.img
  truncate -s 33M "$image.new"; mformat -i "$image.new" -h 16 -s 63 -t 67 -m 0xF8 ::
  syslinux --install "$image.new"
  printf 'DEFAULT l\nPROMPT 0\nLABEL l\n KERNEL linux\n INITRD initrd.gz\n APPEND %s end=poweroff\n' "$quick" > "$dir/linux-disk.cfg"
  mcopy -i "$image.new" "$dir/linux-disk.cfg" ::syslinux.cfg
  mcopy -i "$image.new" "$linux/vmlinuz-686" ::linux; mcopy -i "$image.new" "$linux/initrd.gz" ::initrd.gz
  mv "$image.new" "$image"
}

debian_disk() {
  [ ! -e "$dir/debian.img" ] || return 0
  bash "$here/debian-disk.sh" "$dir"
}

prepare() {
  packages; grub_hello; hdt_floppy; linux_disk
  isolinux "$dir/linux.iso" "$linux/vmlinuz-686" "$linux/initrd.gz" "$quick end=poweroff"
  isolinux "$dir/installer.iso" "$installer/linux" "$installer/initrd.gz" 'vga=normal nomodeset fb=false quiet'
}

# --- runs

# row RUNG FIRMWARE STATUS VERDICT
row() {
  local stats=$runs/$1-$2.json instructions=- seconds=-
  if [ -s "$stats" ]; then
    instructions=$(sed -n 's/.*"instructions": \([0-9]*\).*/\1/p' "$stats"); seconds=$(sed -n 's/.*"hostSeconds": \([0-9]*\.[0-9]\).*/\1/p' "$stats")
  fi
  [ "$4" = pass ] || failures=$((failures + 1))
  printf '| %-15s | %-8s | %-4s | %6s | %15s | %7s |\n' "$1" "$2" "$4" "$3" "$instructions" "$seconds"
}

# run RUNG FIRMWARE STATUS OPTION...: passes when the run ends with that status, and check_RUNG, if there is one, agrees. Firmware "none" is for -kernel.
run() {
  local rung=$1 firmware=$2 expected=$3 base=$runs/$1-$2 bios=() status=0 verdict=pass; shift 3
  case $firmware in
    builtin) bios=(-bios builtin) ;;
    seabios) bios=(-bios "$seabios/bios-256k.bin" --video-bios "$seabios/vgabios-stdvga.bin") ;;
  esac
  rm -f "$base".*
  "$emu" run "${bios[@]}" "${options[@]}" --timeout "${LIMIT:-600}" "$@" --dump-screen "$base.screen" --stats "$base.json" < /dev/null > "$base.out" 2> "$base.err" || status=$?
  if [ $status -ne "$expected" ]; then verdict=FAIL
  elif declare -F "check_${rung//-/_}" > /dev/null && ! "check_${rung//-/_}" "$base"; then verdict=FAIL
  fi
  row "$rung" "$firmware" $status $verdict
}

both() { local rung=$1; shift; run "$rung" builtin "$@"; run "$rung" seabios "$@"; }

# The checksums of the benchmark programs, those that the CPU could run; the busybox checks are the same in every run.
check_sums() {
  tr -d '\r' < "$1.out" | sed -n 's/^\(BENCH [^ ]* *sum=[0-9a-f]*\).*/\1/p' > "$1.sums"
  local expected=$shared/bench/linux/expected-scale1.txt
  if grep -q '^flags.* sse2' "$1.out"; then cp "$expected" "$1.expected"; else grep -v -e -sse2 "$expected" > "$1.expected"; fi
  diff "$1.expected" "$1.sums" > "$1.diff" && grep -q 'GUEST DONE' "$1.out"
}
check_linux() { check_sums "$1"; }
check_linux_pae() { check_sums "$1"; }
check_linux_pic() { check_sums "$1"; }
check_linux_cd() { check_sums "$1"; }
check_linux_disk() { check_sums "$1"; }

# memtest86+'s own CD boots it without a command line, so it has no serial port; isolinux gives it one.
memtest_isolinux() {
  [ ! -e "$dir/memtest-isolinux.iso" ] || return 0
  local tree; tree=$(mktemp -d "$dir/iso.XXXX"); mkdir "$tree/isolinux"
  cp "$x/boot/memtest86+ia32.bin" "$tree/memtest"; cp "$x/usr/lib/ISOLINUX/isolinux.bin" "$x/usr/lib/syslinux/modules/bios/ldlinux.c32" "$tree/isolinux/"
  printf 'DEFAULT m\nPROMPT 0\nLABEL m\n LINUX /memtest\n APPEND console=ttyS0,115200\n' > "$tree/isolinux/isolinux.cfg"
  xorriso -as mkisofs -quiet -o "$dir/memtest-isolinux.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$tree" 2> "$dir/memtest-isolinux.log"
  rm -r "$tree"
}

# The serial port shows what the screen shows: its text with cursor positions, drawn again, beside the dump. It is drawn every two seconds, so what moves (bars, the
# test's name and pattern, the clock) is left out: compared are the left column, the line of the CPU and the line of passes and errors.
check_memtest() {
  awk -f "$here/ansi-screen.awk" "$1.serial" > "$1.drawn"
  sed 's/│/|/g; s/─/-/g; s/┴/-/g; s/┬/-/g' "$1.screen" > "$1.plain"
  diff <(still "$1.plain") <(still "$1.drawn") > "$1.diff" && grep -q 'Pass:  1  *Errors: 0' "$1.drawn"
}
still() { sed -n '1,6s/|.*//; 8s/Time: .*//; 7d; 1,9s/ *$//; 1,9p' "$1"; }
check_memtest_isolinux() { check_memtest "$1"; }
check_memtest_cd_pass() { grep -q 'Errors: 0' "$1.screen"; }

silent=(-display none -serial null)
debugged=(-device isa-debug-exit,iobase=0xf4,iosize=4)

rung_seabios() { both seabios 0 "${silent[@]}" --expect 'No bootable device\.'; run seabios none 0 -bios "$seabios/bios.bin" "${silent[@]}" --expect 'No bootable device\.'; }
rung_hello() { "$emu" rom extract serial "$dir/serial.bin" > /dev/null; run hello none 33 -cpu 486 -kernel "$dir/serial.bin" "${debugged[@]}" -nographic; }
check_hello() { grep -q '^serial ok' "$1.out"; }
rung_grub_hello() { both grub-hello 33 -m 64 -cdrom "$dir/grub-hello.iso" "${debugged[@]}" -nographic; }
check_grub_hello() { grep -q '^serial ok' "$1.out"; }
rung_grub_floppy() {
  both grub-floppy 0 -cpu 486 -m 32 -fda "$x/usr/lib/grub-rescue/grub-rescue-floppy.img" -snapshot "${silent[@]}" \
    --expect 'GNU GRUB' --send-keys c --expect 'grub>' --send-keys 'ls\n' --expect '\(fd0\)'
}
rung_grub_cd() {
  both grub-cd 0 -cpu 486 -m 64 -cdrom "$x/usr/lib/grub-rescue/grub-rescue-cdrom.iso" "${silent[@]}" \
    --expect 'GNU GRUB' --send-keys c --expect 'grub>' --send-keys 'ls\n' --expect '\(cd'
}
rung_freedos() { both freedos 0 -cpu 486 -m 4 -fda "$shared/guests/freedos-160k.img" -snapshot "${silent[@]}" --expect 'A:.>' --send-keys 'dir\n' --expect 'file.s.' --expect 'bytes free'; }
# The menu, and in it the board's five PCI devices, the memory and the CPU that the command line asks for.
rung_hdt() {
  local e=--expect k=--send-keys
  both hdt 0 -cpu pentium3 -m 64 -fda "$dir/hdt-pci.img" -snapshot "${silent[@]}" $e 'Hardware Detection Tool' $e 'PCI Devices\( 5\)' $e 'PCI Devices Menu' \
    $k '\n' $e '440FX PMC .*\n.*PIIX3 ISA .*\n.*PIIX3 IDE .*\n.*PIIX4 ACPI .*\n.*Bochs VBE display ' $k '\e[D\e[B\n' $e '64 MB detected' $k '\e[D\e[B\n' $e 'Vendor +: Intel' $e 'Model +ID : 7' $e 'Stepping +: 3'
}
rung_linux() {
  run linux none 0 -kernel "$linux/vmlinuz-686" -initrd "$linux/initrd.gz" -m 128 -append "$quick end=poweroff" -nographic
  run linux-pae none 0 -kernel "$linux/vmlinuz-686-pae" -initrd "$linux/initrd.gz" -m 128 -append "$quick end=poweroff" -nographic
}
rung_linux_pic() {
  run linux-pic none 0 -kernel "$linux/vmlinuz-686" -initrd "$linux/initrd.gz" -m 128 -append "$quick acpi=off noapic nolapic pci=off end=reboot" -no-reboot -nographic
}
rung_linux_cd() { both linux-cd 0 -cpu pentium3 -m 64 -cdrom "$dir/linux.iso" -nographic; }
rung_linux_disk() { both linux-disk 0 -cpu pentium3 -m 64 -hda "$dir/linux-disk.img" -snapshot -nographic; }

# The ship (its nose is at column 40) goes left and right, a shot flies; it hits: a formation stands 7 columns apart, and one in it is missing. To the end: there
# is no score, the last aliens come down or are shot.
invaders=(-kernel "$x/boot/invaders.exec" -m 32 "${silent[@]}" --expect '^ {40}_\n {39}/ .' --send-keys '\e[D\e[D\e[D\e[D\e[D\e[D\e[D\e[D' --expect '^ {36,38}_\n'
  --send-keys '\e[C\e[C\e[C\e[C\e[C\e[C\e[C\e[C\e[C\e[C\e[C\e[C' --expect '^ {39,44}_\n')
shots() { local i; for ((i = 0; i < $1; i++)); do invaders+=(--send-keys ' ' --expect '\|'); done; }
rung_invaders() { local invaders=("${invaders[@]}"); shots 60; run invaders none 0 "${invaders[@]}"; }
rung_invaders_end() { local invaders=("${invaders[@]}"); shots 200; run invaders-end none 0 "${invaders[@]}" --expect 'GAME OVER *\n.*YOU +(WIN|LOSE) '; }

rung_memtest() {
  run memtest none 0 -kernel "$x/boot/memtest86+ia32.bin" -m 32 -append console=ttyS0,115200 -display none -serial "file:$runs/memtest-none.serial" --expect 'Pass: +1 ' --expect 'Pass: +1 .*\x1b'
}
rung_memtest_isolinux() {
  local firmware
  memtest_isolinux
  for firmware in builtin seabios; do
    run memtest-isolinux $firmware 0 -m 32 -cdrom "$dir/memtest-isolinux.iso" -display none -serial "file:$runs/memtest-isolinux-$firmware.serial" --expect 'Pass: +1 ' --expect 'Pass: +1 .*\x1b'
  done
}
rung_memtest_cd() { both memtest-cd 0 -m 32 -cdrom "$x/usr/lib/memtest86+/memtest86+ia32.iso" "${silent[@]}" --expect 'Test #4 ' --expect 'Errors: 0'; }
rung_memtest_cd_pass() { both memtest-cd-pass 0 -m 32 -cdrom "$x/usr/lib/memtest86+/memtest86+ia32.iso" "${silent[@]}" --expect 'Pass: +1 '; }

rung_installer() {
  run installer none 0 -kernel "$installer/linux" -initrd "$installer/initrd.gz" -m 512 -append 'console=ttyS0 DEBIAN_FRONTEND=text' -nographic --expect 'Choose the language' --expect 'Prompt:'
}
rung_installer_cd() { both installer-cd 0 -m 512 -cdrom "$dir/installer.iso" "${silent[@]}" --expect 'Choose the language'; }
rung_debian() {
  debian_disk
  both debian 0 -m 512 -drive "file=$dir/debian.img,format=raw,snapshot=on" -nographic --expect 'emulated login:' --send 'root\n' --expect 'Password:' --send 'guest\n' --expect '# $' \
    --send 'apt --version\n' --expect 'apt 2' --expect '# $' --send 'dmesg | grep -iE "ata1|DMA"; grep ata_piix /proc/interrupts\n' --expect 'max MWDMA2' --expect 'IO-APIC.*ata_piix' --expect '# $' \
    --send 'poweroff\n' --expect 'Power down'
}

slow=(invaders-end memtest memtest-cd-pass memtest-isolinux installer installer-cd debian)
[ $# -gt 0 ] || set -- seabios hello grub-hello grub-floppy grub-cd freedos invaders memtest-cd hdt linux linux-pic linux-cd linux-disk
[ "$1" != slow ] || { shift; set -- "${slow[@]}" "$@"; }
for rung in "$@"; do
  [ "$rung" = prepare ] || declare -F "rung_${rung//-/_}" > /dev/null || { echo "ladder.sh: there is no rung $rung" >&2; exit 2; }
done
prepare
[ "$*" != prepare ] || exit 0
printf '| %-15s | %-8s | %-4s | %6s | %15s | %7s |\n' rung firmware '' status instructions seconds
echo '|-----------------|----------|------|--------|-----------------|---------|'
for rung in "$@"; do [ "$rung" = prepare ] || "rung_${rung//-/_}"; done
[ $failures -eq 0 ] || { echo "$failures failed; see $runs"; exit 1; }
