# .deb files → a root file system, as dpkg would leave it, but without maintainer scripts.
# In: $packages, $account (the name of uid 10001), $writable (its directories), $unpack, $deb.

# Debian's merged /usr, which dpkg finds in place when it unpacks.
mkdir -p "$out"
for directory in bin sbin lib lib64; do
  mkdir -p "$out/usr/$directory"
  ln -s "usr/$directory" "$out/$directory"
done
. "$unpack"

cd "$out"
mkdir -p etc dev proc run sys tmp var/tmp
for directory in $writable; do
  mkdir -p ".$directory"
done

# What the packages' maintainer scripts would have made.
if [ -d usr/share/ca-certificates/mozilla ]; then
  mkdir -p etc/ssl/certs
  cat usr/share/ca-certificates/mozilla/*.crt > etc/ssl/certs/ca-certificates.crt
  # OpenSSL looks here, and the links are in a package that holds a program too.
  mkdir -p usr/lib/ssl
  relative_link /etc/ssl/certs usr/lib/ssl/certs
  relative_link /etc/ssl/certs/ca-certificates.crt usr/lib/ssl/cert.pem
fi
relative_link /usr/share/zoneinfo/Etc/UTC etc/localtime
printf '%s\n' 'root:x:0:0:root:/nonexistent:/usr/sbin/nologin' \
  "$account:x:10001:10001:$account:/var/lib/$account:/usr/sbin/nologin" > etc/passwd
printf '%s\n' 'root:x:0:' "$account:x:10001:" > etc/group
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' > etc/nsswitch.conf

# Without privileges ldconfig cannot chroot, and prefixes the paths instead: the same cache.
usr/sbin/ldconfig -X -r "$out"
rm -rf var/cache/ldconfig
