-- Marks the store as half restored, perhaps once more. ARGV: now.
local moved = moved_away()
if moved then return moved end
redis.call('HSET', P .. 'meta', 'restoring', stamp)
return { stamp }
