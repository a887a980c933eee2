-- The change sequence after a commit, and the last number there is.
-- KEYS: prefix, sequence. ARGV: now, after, limit.
local after, limit = take(), tonumber(take())
local WHOLE = '-18446744073709551615'
local changes = redis.call('XRANGE', P .. 'ch', '(' .. after .. WHOLE, '+', 'COUNT', limit)
if #changes == limit then
  local last = changes[#changes][1]
  local rest = redis.call('XRANGE', P .. 'ch', '(' .. last, string.match(last, '^%d+') .. WHOLE)
  for _, change in ipairs(rest) do changes[#changes + 1] = change end
end
local found = {}
for _, change in ipairs(changes) do
  local fields = change[2]
  found[#found + 1] = string.match(change[1], '^%d+')
  found[#found + 1] = fields[4]
  found[#found + 1] = fields[6]
end
return { stamp, redis.call('GET', KEYS[2]) or '0', found }
