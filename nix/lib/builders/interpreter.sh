# A Python that runs from a root file system in the store, on any host.
# In: $rootfs, $libraries (their folder), $version. Out: bin/python.
#
# The loader is called by hand, as the host may have another C library. With --argv0 Python takes
# the wrapper for itself, so that subprocesses and process pools start the wrapper again.
mkdir -p "$out/bin"
loader=$(find "$rootfs/usr/lib64/" "$rootfs/usr/lib/" -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)
cat > "$out/bin/python" <<END
#!$BASH
exec $loader --argv0 "\$0" --library-path $libraries $rootfs/usr/bin/python$version "\$@"
END
chmod 555 "$out/bin/python"
ln -s python "$out/bin/python3"
# Python finds its standard library through this file, as in any virtual environment.
printf '%s\n' "home = $rootfs/usr/bin" "include-system-site-packages = false" > "$out/pyvenv.cfg"
