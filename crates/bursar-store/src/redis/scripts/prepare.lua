-- Makes the store ready for a connection: schema, incarnation. KEYS as in commit, of the system space.
-- ARGV: now, known schema, 1 if there must already be an incarnation, 1 if a restore may be unfinished, the incarnation's
-- kind, key and content.
local known, must_exist, may_be_half, kind, key = take(), take(), take(), take(), take()
local meta = redis.call('HMGET', P .. 'meta', 'schema', 'restoring')
if meta[1] and tonumber(meta[1]) > tonumber(known) then return { stamp, 'newer', meta[1] } end
if meta[2] and may_be_half ~= '1' then return { stamp, 'restoring' } end
if not version(kind, key) then
  if must_exist == '1' then return { stamp, 'gone' } end
  redis.call('HSET', P .. 'meta', 'schema', known)
  put(kind, key, next_sequence(), take_content())
end
return { stamp, 'ready' }
