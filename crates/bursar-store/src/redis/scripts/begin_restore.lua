-- Marks the store as half restored. ARGV: now.
redis.call('HSET', P .. 'meta', 'restoring', stamp)
return { stamp }
