# A tree → one layer: layer.json (digest, size, …) and the uncompressed tar that it describes.
# In: $graph, $rewrites, $perms (JSON), $nix2container.
mkdir -p "$out"
echo "$graph" > graph.json
echo "$rewrites" > rewrites.json
echo "$perms" > perms.json
"$nix2container/bin/nix2container" layers-from-non-reproducible-storepaths "$out/layer.json" \
  graph.json --rewrites rewrites.json --perms perms.json --tar-directory "$out"
chmod 444 "$out"/*.tar
