# The command `dagnix`. In: $venv.
mkdir -p "$out$venv/bin"
cat > "$out$venv/bin/dagnix" <<END
#!$venv/bin/python
from dagnix.__main__ import main

main()
END
chmod 555 "$out$venv/bin/dagnix"
