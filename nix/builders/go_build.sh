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
"$GOROOT/bin/go" build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' \
  -o "$out/bin/$name" "$package"
