-- Proves that something can be written, and tells the incarnation. ARGV: now, kind, key.
local refused = refusal()
if refused then return refused end
redis.call('SET', P .. 'probe', stamp, 'PX', 60000)
return { stamp, redis.call('HGET', record_name(take(), take()), 'b') }
