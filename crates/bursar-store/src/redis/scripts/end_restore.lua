-- The last act of a restore: the new incarnation. KEYS as in commit. ARGV: now, sequence, kind, key, content.
local sequence, kind, key = take(), take(), take()
put(kind, key, sequence, take_content())
redis.call('SET', KEYS[2], sequence)
redis.call('SET', KEYS[3], sequence)
redis.call('HDEL', P .. 'meta', 'restoring')
return { stamp }
