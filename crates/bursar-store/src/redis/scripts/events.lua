-- Events after one, all or of one subject. ARGV: now, after, 1 if by subject, subject, limit.
local after, by_subject, subject, limit = take(), take(), take(), take()
local events = {}
if by_subject == '1' then
  local ids = redis.call('ZRANGEBYSCORE', P .. 'es:' .. subject, '(' .. after, '+inf', 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local one = redis.call('XRANGE', P .. 'ev', id .. '-0', id .. '-0')
    if one[1] then events[#events + 1] = one[1] end
  end
else
  events = redis.call('XRANGE', P .. 'ev', '(' .. after .. '-0', '+', 'COUNT', limit)
end
local found = {}
for _, event in ipairs(events) do
  local fields = event[2]
  found[#found + 1] = string.match(event[1], '^%d+')
  for n = 2, 8, 2 do found[#found + 1] = fields[n] end
end
return { stamp, found }
