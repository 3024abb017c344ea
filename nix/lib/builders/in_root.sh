# Runs a program where a root file system of Debian's is `/`, in a namespace inside of Nix's sandbox:
# its shell, loader, compiler and libraries are where programs look for them.
# In: $root (that file system), the program and its words.
export top=$NIX_BUILD_TOP/root
mkdir "$top"
inside='
  mount -t tmpfs root "$top"
  cd "$top"
  mkdir -p usr etc tmp "./$NIX_BUILD_TOP" nix/store dev proc
  for link in "$root"/*; do
    [ ! -L "$link" ] || cp -P "$link" .
  done
  cp -r "$root"/etc/. /etc/hosts etc
  mount --bind "$root/usr" usr
  mount -o remount,bind,ro usr
  mount --bind "$NIX_BUILD_TOP" "./$NIX_BUILD_TOP"
  for place in nix/store dev proc; do
    mount --rbind "/$place" "$place"
  done
  exec chroot . "$@"
'
unshare --user -r --mount true || {
  echo "refused: it needs a root file system of its own, and the kernel lets no build make one:" \
    "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)"
  exit 1
}
exec unshare --user -r --mount "$BASH" -euc "$inside" in_root "$@"
