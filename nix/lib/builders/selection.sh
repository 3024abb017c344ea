# .deb files → some of their files, with their records. In: $packages, $files, $unpack,
# $deb.
(
  out=$TMPDIR/all
  . "$unpack"
)
cd "$TMPDIR/all"
printf '  %s\n' $files > "$TMPDIR/taken"
for sums in var/lib/dpkg/status.d/*.md5sums; do
  grep -F -f "$TMPDIR/taken" "$sums" > "$TMPDIR/sums"
  mv "$TMPDIR/sums" "$sums"
done
for path in $files var/lib/dpkg/status.d/* usr/share/doc/*/copyright; do
  mkdir -p "$out/${path%/*}"
  cp -p "$path" "$out/$path"
done
