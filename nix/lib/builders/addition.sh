# .deb files that go on top of a root file system. In: $packages, $base, $unpack, $deb.
. "$unpack"

# The loader's cache has to know the libraries of both.
cd "$TMPDIR"
cp -a "$base" merged
chmod -R u+w merged
cp -a "$out/." merged
"$base/usr/sbin/ldconfig" -X -r "$PWD/merged"
mkdir -p "$out/etc"
cp merged/etc/ld.so.cache "$out/etc/ld.so.cache"
