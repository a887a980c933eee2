-- Appends events that belong to no change. ARGV: now, events.
local refused = refusal()
if refused then return refused end
append()
return { stamp }
