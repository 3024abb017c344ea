# A Go package from vendored modules → bin/$name, without a build ID or a path of this build.
# In: $go, $vendor, $sources, $package, $name.
export GOROOT=$(echo "$go"/usr/lib/go-*)
export HOME=$TMPDIR GOCACHE=$TMPDIR/cache GOPATH=$TMPDIR/path
mkdir module
cp -r "$vendor/." module
chmod -R u+w module
[ -z "$sources" ] || cp -r "$sources/." module
cd module
mkdir -p "$out/bin"
# Go's whole library is compiled each time, for programs that wait for others nearly all of theirs:
# without inlining, with one thread for each package, and with less garbage collection this takes six
# tenths of the CPU.
GOGC=400 "$GOROOT/bin/go" build -trimpath -buildvcs=false \
  -gcflags='all=-l -c=1' -ldflags='-s -w -buildid=' -o "$out/bin/$name" "$package"
