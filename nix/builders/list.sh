# A file that refers to $paths, a line each.
printf '%s\n' $paths > "$out"
