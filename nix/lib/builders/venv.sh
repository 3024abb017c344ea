# A virtual environment without packages. In: $venv, $version.
mkdir -p "$out$venv/bin" "$out$venv/lib/python$version/site-packages"
ln -s "/usr/bin/python$version" "$out$venv/bin/python"
ln -s python "$out$venv/bin/python3"
printf '%s\n' 'home = /usr/bin' 'include-system-site-packages = false' > "$out$venv/pyvenv.cfg"
