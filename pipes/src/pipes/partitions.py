"""The days and months that the assets are cut into, in UTC."""

import dagster as dg

FIRST_DAY = "2012-01-01"

# end_offset=1: today and the running month are partitions too, so that today's file has a place.
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
