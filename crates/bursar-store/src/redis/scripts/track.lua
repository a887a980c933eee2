-- Begins a backup of a space, or ends it by telling what was touched since. KEYS: prefix, sequence.
-- ARGV: now, sequence at which it began or empty.
local began = take()
local sequence = redis.call('GET', KEYS[2]) or '0'
if began == '' then
  redis.call('SET', P .. 'bk', '1', 'PX', 60000)
  return { stamp, sequence }
end
if redis.call('EXISTS', P .. 'bk') == 0 then return { stamp, false } end
local touched, seen = {}, {}
for _, one in ipairs(redis.call('XRANGE', P .. 'bt', '(' .. began .. '-18446744073709551615', '+')) do
  local kind, key = one[2][2], one[2][4]
  if not seen[kind .. ':' .. key] then
    seen[kind .. ':' .. key] = true
    touched[#touched + 1] = kind
    touched[#touched + 1] = key
    touched[#touched + 1] = redis.call('HGETALL', record_name(kind, key))
  end
end
return { stamp, sequence, touched, redis.call('GET', P .. 'en') or '0' }
