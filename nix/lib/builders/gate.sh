# The gate, with the certificate authorities by which it knows a provider. In: $gate, $packages, $unpack,
# $deb, $writable.
(
  out=$TMPDIR/all
  . "$unpack"
)
mkdir -p "$out/opt/dagster/bin" "$out/etc/ssl/certs" "$out/tmp"
for directory in $writable; do
  mkdir -p "$out$directory"
done
cp "$gate/bin/gate" "$out/opt/dagster/bin/gate"
cd "$TMPDIR/all"
cat usr/share/ca-certificates/mozilla/*.crt > "$out/etc/ssl/certs/ca-certificates.crt"
# The one file is made of all that the package has.
for path in var/lib/dpkg/status.d/* usr/share/doc/*/copyright; do
  mkdir -p "$out/${path%/*}"
  cp -p "$path" "$out/$path"
done
printf '%s\n' 'root:x:0:0:root:/nonexistent:/usr/sbin/nologin' \
  'gate:x:10001:10001:gate:/var/lib/gate:/usr/sbin/nologin' > "$out/etc/passwd"
printf '%s\n' 'root:x:0:' 'gate:x:10001:' > "$out/etc/group"
