-- One record. ARGV: now, kind, key.
local found = redis.call('HMGET', record_name(take(), take()), 'v', 'b', 'd', 'e')
if not found[1] or is_over(found[4]) then return { stamp, false } end
return { stamp, found }
