# A second build of everything gives the same images: their indexes hold the digests of all parts.
set -- $second
for layout in $first; do
  cmp "$layout/index.json" "$1/index.json"
  shift
done
echo passed > "$out"
