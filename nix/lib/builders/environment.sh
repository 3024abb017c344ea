# Installed trees as one Python environment on the host, nothing copied but the scripts.
# In: $trees, $python, $version, $venv (where the trees think they are). Out: bin/, lib/.
site=$out/lib/python$version/site-packages
mkdir -p "$out/bin" "$site"
cp "$python/pyvenv.cfg" "$out/pyvenv.cfg"
cp -a "$python/bin/." "$out/bin"
chmod u+w "$out/bin"

for tree in $trees; do
  echo "$tree$venv/lib/python$version/site-packages"
done > "$site/trees.pth"

for tree in $trees; do
  for program in "$tree$venv"/bin/*; do
    wrapper=$out/bin/${program##*/}
    # The venv's link to its Python is one to the host's here.
    [ -f "$program" ] && [ ! -L "$program" ] && [ ! -e "$wrapper" ] || continue
    case $(head -n 1 "$program" | tr -d '\0') in
      "#!$venv/bin/python") sed "1s|.*|#!$out/bin/python|" "$program" > "$wrapper" ;;
      # A program from a wheel wants a loader at a fixed place, which not every host has.
      *ELF*) sed "s|--library-path .*|--library-path $libraries $program \"\$@\"|" "$out/bin/python" > "$wrapper" ;;
      *) cp "$program" "$wrapper" ;;
    esac
    chmod 555 "$wrapper"
  done
done
