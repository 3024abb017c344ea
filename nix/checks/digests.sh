# The images have the digests that stand in nix/digests.json. In: $expected (JSON), $built (a file).
echo "$expected" > expected.json
"$dev/bin/python" -m json.tool --indent 1 --sort-keys expected.json expected
if ! diff -u expected "$built"; then
  echo "The images' digests (+) are not those of nix/digests.json (-): the same commit gives other"
  echo "bytes here, or a change moves them. If it should, run ./dagnix lock digests and commit the file."
  exit 1
fi
echo passed > "$out"
