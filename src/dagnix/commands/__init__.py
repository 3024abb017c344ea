"""The commands, a file each. Each docstring is the command's help."""
