# unpack FILE: what a .deb holds, over what is in $out.
#
# An absolute link leads to the host's files when a build without a sandbox goes through it, and so
# does Python on the host. It becomes a relative one at once, which means the same in an image.
unpack() {
  local names name target
  names=$(ar p "$1" data.tar.xz | tar xvJf - -C "$out")
  while IFS= read -r name; do
    [ -L "$out/$name" ] || continue
    target=$(readlink "$out/$name")
    case $target in /*) relative_link "$target" "$name" ;; esac
  done <<< "$names"
}

# relative_link TARGET NAME: a link in $out to a path that is absolute in the image.
relative_link() {
  local top folder
  top=$(cd -P "$out" && pwd)
  folder=$(cd -P "$out/$(dirname "$2")" && pwd)
  ln -sfn "$(printf %s "${folder#"$top"}" | sed 's|/[^/]*|../|g')${1#/}" "$out/$2"
}
