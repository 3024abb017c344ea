# Debian's packages of Go → what compiles with it. In: $packages, $deb.
. "$deb"
mkdir "$out"
for package in $packages; do
  unpack "$package" &
done
for job in $(jobs -p); do
  wait "$job"
done

# Tests and the compiler's own sources are three in four files, and Nix reads each.
cd "$out"/usr/share/go-*
rm -rf test src/cmd
find src -type d -name testdata -prune -exec rm -rf {} +
find src -name '*_test.go' -exec rm {} +
