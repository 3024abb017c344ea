# A Python project whose build backend is flit_core → its wheel. In: $source, $python.
cp -a "$source" source
mkdir -p "$out"
cd source
"$python/bin/python" -m flit_core.wheel --outdir "$out"
