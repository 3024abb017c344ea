# Layers and an image config → an OCI layout.
# In: $config (JSON), $layers, $reference, $architecture, $nix2container, $python.
echo "$config" > config.json
descriptions=
for layer in $layers; do
  descriptions="$descriptions $layer/layer.json"
done
"$nix2container/bin/nix2container" image image.json config.json $descriptions
"$python/bin/python" -IS "$builder_script" image.json "$out" \
  --reference "$reference" --architecture "$architecture"
