-- Puts a space on the list of those that exist. KEYS: of the system space. ARGV: now, the space.
local space = take()
local moved = moved_away()
-- Whatever goes over the list after the seal finds all spaces there will ever be. One that is there has a seal of its own,
-- and may still be asked what became of a commit.
if moved and redis.call('SISMEMBER', P .. 'spaces', space) == 0 then return moved end
if not moved then redis.call('SADD', P .. 'spaces', space) end
return { stamp }
