"""Items of work: content keys, atomic writes, the ledger of what is done, indexes of what was made."""
