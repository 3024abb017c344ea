# Debian's compiler and Python's headers, in a root file system that builds have as `/` (in_root.sh).
# In: what rootfs.sh takes, $rootfs (that script).
. "$rootfs"

# What a program takes for granted, where no package brings another.
[ -e usr/bin/sh ] || ln -s "$BASH" usr/bin/sh
[ -e usr/bin/env ] || ln -s "$(command -v env)" usr/bin/env

# Debian's alternatives, which maintainer scripts make.
ln -s gcc usr/bin/cc
ln -s g++ usr/bin/c++
