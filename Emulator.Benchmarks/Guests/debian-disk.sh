#!/bin/bash
# Builds a disk with Debian 12 (i386) that starts by GRUB: debian-disk.sh DIRECTORY makes DIRECTORY/debian.img, raw, 1.5 GiB.
# Needs: root, debootstrap, e2fsprogs, fdisk, network. The image is filled without loop devices: mke2fs copies the tree, grub-mkimage's
# core image goes behind the master boot record, where its first sector expects the rest.
set -euo pipefail
dir=$(realpath "$1"); mkdir -p "$dir"; cd "$dir"; root=$dir/root
if [ ! -e "$root/etc/debian_version" ]; then
  debootstrap --arch=i386 --variant=minbase \
    --include=linux-image-686,udev,kmod,systemd-sysv,login,procps,e2fsprogs,grub-pc-bin,grub2-common,initramfs-tools \
    bookworm "$root" http://deb.debian.org/debian
fi
echo emulated > "$root/etc/hostname"
printf '/dev/sda1 / ext4 errors=remount-ro 0 1\n' > "$root/etc/fstab"
sed -i 's|^root:[^:]*:|root:'"$(openssl passwd -6 -salt emulator guest)"':|' "$root/etc/shadow"
mkdir -p "$root/etc/systemd/system/getty.target.wants"
ln -sf /lib/systemd/system/serial-getty@.service "$root/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service"
kernel=$(basename "$root"/boot/vmlinuz-*); initrd=initrd.img-${kernel#vmlinuz-}
mkdir -p "$root/boot/grub/i386-pc"; cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
cat > "$root/boot/grub/grub.cfg" <<CFG
set default=0
set timeout=2
menuentry 'Debian GNU/Linux' {
  linux /boot/$kernel root=/dev/sda1 ro console=tty0 console=ttyS0
  initrd /boot/$initrd
}
CFG
size=1536; first=2048
rm -f fs.img debian.img; truncate -s $((size - 1))M fs.img
mke2fs -q -t ext4 -L root -d "$root" fs.img
truncate -s ${size}M debian.img
echo "$first,,83,*" | sfdisk -q debian.img
dd if=fs.img of=debian.img bs=1M seek=1 conv=notrunc,sparse status=none; rm fs.img
grub=$root/usr/lib/grub/i386-pc
mkimage=$(command -v grub-mkimage || echo chroot-mkimage)
[ "$mkimage" != chroot-mkimage ] || { echo "grub-mkimage is missing (package grub-common)" >&2; exit 1; }
"$mkimage" -O i386-pc -d "$grub" -p '(hd0,msdos1)/boot/grub' -o core.img biosdisk part_msdos ext2 normal linux configfile
dd if="$grub/boot.img" of=debian.img bs=1 count=440 conv=notrunc status=none
dd if=core.img of=debian.img bs=512 seek=1 conv=notrunc status=none; rm core.img
ls -ls debian.img
