# What mmdebstrap runs last: sets the machine up, and makes its disk.
#   $1 the machine's root   $2 the folder with what goes in and comes out   $3 a user   $4 KiB
set -eu
root=$1 folder=$2 user=$3 size=$4

echo machine >"$root/etc/hostname"
echo '127.0.0.1 localhost machine' >"$root/etc/hosts"
printf '[Match]\nName=en*\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n' \
    >"$root/etc/systemd/network/80-all.network"

# The Nix store is the host's, read-only, with what is added here on top.
mkdir -p "$root/host/store" "$root/nix/store" "$root/nix/.upper" "$root/nix/.work"
lower=lowerdir=/host/store,x-systemd.requires-mounts-for=/host/store
cat >"$root/etc/fstab" <<END
/dev/vda / ext4 defaults 0 1
store /host/store 9p trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose 0 0
overlay /nix/store overlay $lower,upperdir=/nix/.upper,workdir=/nix/.work 0 0
END
cp "$folder/registration" "$root/host/registration"
echo 'sandbox = false' >"$root/etc/nix/nix.conf"

mkdir -p "$root/var/log/journal"
systemctl --root="$root" --quiet enable systemd-networkd ssh
systemctl --root="$root" --quiet mask systemd-networkd-wait-online.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer

chroot "$root" useradd --create-home --shell /bin/bash "$user"
chroot "$root" usermod --append --groups nix-users "$user"
for home in root "home/$user"; do
    mkdir -p -m 700 "$root/$home/.ssh"
    cp "$folder/key.pub" "$root/$home/.ssh/authorized_keys"
    cp -a "$folder/checkout" "$root/$home/dagnix"
done
chroot "$root" chown -R root:root /root
chroot "$root" chown -R "$user:$user" "/home/$user"

cp "$root"/boot/vmlinuz-* "$folder/kernel"
cp "$root"/boot/initrd.img-* "$folder/initrd"
# Seen without what is mounted there.
mkdir "$folder/root"
mount --bind "$root" "$folder/root"
trap 'umount "$folder/root"' EXIT
mke2fs -q -t ext4 -d "$folder/root" "$folder/disk" "${size}k"
