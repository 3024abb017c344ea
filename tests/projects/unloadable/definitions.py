import no_such_module

defs = no_such_module.defs
