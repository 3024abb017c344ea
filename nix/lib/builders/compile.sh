# Python sources → the same with their .pyc files, which know the paths that an image has.
# In: $source, $at (where an image has it), $folders (what to compile, as an image has it), $python.
# Out: the tree.
mkdir -p "$out$at"
cp -a "$source/." "$out$at"
find "$out" -type d -exec chmod u+w {} +
# A link that leads out of the tree is none to compile: it would be the host's file.
for folder in $folders; do
  # Starting a pool of processes takes as long as compiling a hundred files.
  jobs=1
  [ "$(find "$out$folder" -name '*.py' | wc -l)" -lt 200 ] || jobs=0
  "$python/bin/python" -S -m compileall -q -j "$jobs" --invalidation-mode unchecked-hash \
    -s "$out" -p / -e "$out" "$out$folder"
done
