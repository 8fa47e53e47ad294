#!/bin/bash
# Makes a Linux guest with Debian's own disk drivers: disk-linux.sh DIRECTORY makes DIRECTORY/vmlinuz and DIRECTORY/initrd.gz, once.
# The guest loads the drivers, runs the shell commands of "cmd=BASE64" on its command line, and powers off.
# Needs: root (for device nodes), apt, dpkg, kmod, cpio. The machine's own package database is left alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); mkdir -p "$1"; dir=$(cd "$1" && pwd)
[ ! -e "$dir/initrd.gz" ] || exit 0
work=$(mktemp -d "$dir/work.XXXX"); trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,kernel,busybox} "$work"/root/{bin,mod,dev}; : > "$work/status"
apt=(-qq -o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
  -o APT::Architecture=i386 -o APT::Architectures::=i386 -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update || echo "some package lists did not arrive; going on with the others" >&2
image=$(apt-cache "${apt[@]}" depends linux-image-686 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
(cd "$work/debs"; apt-get "${apt[@]}" download "$image:i386" busybox-static:i386)
dpkg-deb -x "$work"/debs/busybox-static_*.deb "$work/busybox"; dpkg-deb -x "$work"/debs/linux-image-*.deb "$work/kernel"
version=$(basename "$work"/kernel/lib/modules/*); depmod -b "$work/kernel" "$version"
cp "$work/busybox/bin/busybox" "$work/root/bin/"; cp "$here/disk-linux-init" "$work/root/init"; chmod 755 "$work/root/init"
: > "$work/root/modules.order"
for wanted in ata_piix sd_mod; do
  for file in $(modprobe -d "$work/kernel" -S "$version" --show-depends "$wanted" | awk '$1 == "insmod" { print $2 }'); do
    module=$(basename "$file" .ko)
    grep -qx "$module" "$work/root/modules.order" || { echo "$module" >> "$work/root/modules.order"; cp "$file" "$work/root/mod/"; }
  done
done
mknod "$work/root/dev/console" c 5 1; mknod "$work/root/dev/null" c 1 3; mknod "$work/root/dev/ttyS0" c 4 64
cp "$work"/kernel/boot/vmlinuz-* "$dir/vmlinuz"
(cd "$work/root"; find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -n -9 > "$dir/initrd.new"); mv "$dir/initrd.new" "$dir/initrd.gz"
