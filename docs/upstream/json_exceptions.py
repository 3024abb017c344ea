"""With `--log-format json` an exception that is logged loses its traceback.

The formatter has no processor that makes text of `exc_info`, such as structlog's own
`dict_tracebacks` or `format_exc_info`.
"""

import io
import json
import logging
import sys
from contextlib import redirect_stdout

from dagster._utils.log import configure_loggers

with redirect_stdout(io.StringIO()) as log:
    configure_loggers(formatter="json")
    try:
        int("no number")
    except ValueError:
        logging.getLogger("dagster.daemon").exception("it failed")
said = json.loads(log.getvalue())
is_lost = "json_exceptions.py" not in log.getvalue()
print(f"An exception is logged as {said['exc_info']}")
sys.exit(is_lost)
