-- Removes expired records and everything that led to them. ARGV: now, kind, limit, declared indexes.
local refused = refusal()
if refused then return refused end
local kind, limit, declared = take(), take(), take_list(1)
local keys = redis.call('ZRANGEBYSCORE', P .. 'x:' .. kind, '-inf', whole(now), 'LIMIT', 0, limit)
for _, key in ipairs(keys) do forget(kind, key, declared) end
return { stamp, whole(#keys) }
