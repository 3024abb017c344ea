# What mmdebstrap runs before it configures the machine's packages: $1 is the machine's root.
# Its initrd gets these modules and no others, as it takes long to unpack where there is no KVM.
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/dagnix"
printf '%s\n' virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/dagnix"
