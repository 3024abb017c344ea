# A code location → its layers, as in layer.sh; each in a folder of its own.
# In: $source, $at (where an image has it), $parts (the folders' names), $nix2container, $python,
# $builder_script.
cp -a "$source" source
find source -type d -exec chmod u+w {} +
"$python/bin/python" -S "$builder_script" source "$at" $parts
# As Nix would write them to the store, whatever the umask here.
chmod -R a-w,a+rX $parts
echo '[]' > perms.json
for part in $parts; do
  mkdir -p "$out/$part"
  echo "[{\"path\":\"$part\",\"references\":[]}]" > "graph-$part.json"
  # Relative to here, so that layer.json is the same wherever it is built.
  echo "[{\"path\":\"$part\",\"regex\":\"^$part\",\"repl\":\"\"}]" > "rewrites-$part.json"
  "$nix2container/bin/nix2container" layers-from-non-reproducible-storepaths \
    "$out/$part/layer.json" "graph-$part.json" --rewrites "rewrites-$part.json" \
    --perms perms.json --tar-directory "$out/$part" &
done
for job in $(jobs -p); do
  wait "$job"
done
chmod 444 "$out"/*/*.tar
