-- Appends events that belong to no change. ARGV: now, events.
append()
return { stamp }
