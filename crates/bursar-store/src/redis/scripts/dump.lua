-- One page of a backup: whole records, dead or alive. ARGV: now, kind, first key as a lexical bound, limit.
local kind, from, limit = take(), take(), take()
-- From now on commits note what they touch; a backup that pauses for longer than this starts again.
redis.call('SET', P .. 'bk', '1', 'PX', 60000)
local found = {}
for _, key in ipairs(redis.call('ZRANGEBYLEX', P .. 'k:' .. kind, from, '+', 'LIMIT', 0, limit)) do
  found[#found + 1] = key
  found[#found + 1] = redis.call('HGETALL', record_name(kind, key))
end
return { stamp, found }
