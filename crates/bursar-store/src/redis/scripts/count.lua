-- Adds to a counter. ARGV: now, name, by, window.
local refused = refusal()
if refused then return refused end
local name, by, window = P .. 'n:' .. take(), take(), tonumber(take())
local LAST_MILLISECOND, TOP = 253402207200999, '9223372036854775807'
local ends = math.min(now - now % window + window, LAST_MILLISECOND)
local known = redis.call('HMGET', name, 'w', 'e')
-- Nodes that bring the time along may be milliseconds apart: who is behind counts in the window that has begun.
if known[1] == whole(window) and known[2] == whole(ends + window) then ends = ends + window end
if known[1] ~= whole(window) or known[2] ~= whole(ends) then
  redis.call('DEL', name)
  redis.call('HSET', name, 'w', whole(window), 'e', whole(ends), 'v', '0')
  redis.call('PEXPIRE', name, whole(ends - now + 60000))
end
local added = redis.pcall('HINCRBY', name, 'v', by)
if type(added) == 'table' and added.err then redis.call('HSET', name, 'v', TOP) end
return { stamp, redis.call('HGET', name, 'v'), whole(ends) }
