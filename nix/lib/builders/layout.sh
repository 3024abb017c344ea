# Layers and an image config → an OCI layout, with the image's SPDX document.
# In: $config (JSON), $layers, $image (its name), $reference, $architecture, $locked (a JSON file),
# $nix2container, $python.
echo "$config" > config.json
descriptions=
packages=
for layer in $layers; do
  descriptions="$descriptions $layer/layer.json"
  # The code's layers have none.
  if [ -e "$layer/packages.json" ]; then
    packages="$packages $layer/packages.json"
  fi
done
"$python/bin/python" -IS "$spdx_script" "$image" "$locked" spdx.json $packages
"$nix2container/bin/nix2container" image image.json config.json $descriptions
"$python/bin/python" -IS "$builder_script" image.json "$out" \
  --reference "$reference" --architecture "$architecture" --spdx spdx.json
