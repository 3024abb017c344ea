"""The example code location: Seattle's weather, one file a day."""
