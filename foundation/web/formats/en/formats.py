"""Dates as every page says them: ``24 Nov 2026, 03:57:41 UTC``."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i:s \\U\\T\\C"
