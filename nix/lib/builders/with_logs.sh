# A Go module's sources, with a package of another one in the place of a link to it. In: $own, $logs.
cp -r "$own" "$out"
chmod -R u+w "$out"
rm -rf "$out/internal/logs"
cp -r "$logs" "$out/internal/logs"
