# Debian's compiler and Python's headers, in a root file system from which they run on any host.
# In: what rootfs.sh takes, $rootfs (that script), $triplet.
. "$rootfs"

# Debian's alternatives, which maintainer scripts make.
ln -s gcc usr/bin/cc
ln -s g++ usr/bin/c++

# The loader is called by hand, as in interpreter.sh, and so in place of each program that a program
# starts. Python has a wrapper of its own; its file is what that one calls.
loader=$(find usr/lib64/ usr/lib/ -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)
loader=$out/${loader//\/\//\/}
for program in $(find usr/bin usr/lib/gcc usr/libexec/gcc -type f -perm -u+x 2>/dev/null); do
  case $program in usr/bin/python*) continue ;; esac
  "$loader" --verify "$program" 2>/dev/null || continue # a library, or a script
  before='' after=''
  case $program in
    usr/bin/*-gcc-[0-9]* | usr/bin/*-g++-[0-9]* | usr/bin/*-cpp-[0-9]*)
      # Debug information names folders of the build, and no image has a debugger.
      before=--sysroot=$out after=-g0
      ;;
  esac
  moved=$out/usr/lib/wrapped/$program
  mkdir -p "${moved%/*}"
  mv "$program" "$moved"
  cat > "$program" <<END
#!$BASH
exec $loader --argv0 "\$0" --library-path $out/usr/lib/$triplet $moved $before "\$@" $after
END
  chmod 555 "$program"
done
