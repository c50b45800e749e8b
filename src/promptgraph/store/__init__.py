"""SQL: the only room that speaks it. Keys in, frozen records out."""
