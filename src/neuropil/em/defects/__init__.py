"""Known and evident defects of volumes: rules, a report, pictures."""
