# A tree → one layer: layer.json (digest, size, …), the uncompressed tar that it describes, and
# packages.json with the packages in it.
# In: $tree, $graph, $rewrites, $perms (JSON), $nix2container, $python, $builder_script.
mkdir -p "$out"
echo "$graph" > graph.json
echo "$rewrites" > rewrites.json
echo "$perms" > perms.json
"$nix2container/bin/nix2container" layers-from-non-reproducible-storepaths "$out/layer.json" \
  graph.json --rewrites rewrites.json --perms perms.json --tar-directory "$out"
chmod 444 "$out"/*.tar
"$python/bin/python" -IS "$builder_script" "$tree" "$out/packages.json"
