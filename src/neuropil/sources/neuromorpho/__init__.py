"""NeuroMorpho.org: a query, its neurons' facts, measures and standardised SWC files."""
