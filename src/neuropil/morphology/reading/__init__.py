"""The text of SWC files, from bytes to a table of numbers and to sound values."""
