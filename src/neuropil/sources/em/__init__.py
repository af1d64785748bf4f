"""Published EM volumes: where each lies, or how it is fetched, told as raw records (see `records.raw_record`)."""
