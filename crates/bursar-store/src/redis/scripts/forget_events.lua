-- Removes those of the oldest events after one that are from before a time. The numbers stay spent: `en` counts on.
-- ARGV: now, before, after, limit.
local refused = refusal()
if refused then return refused end
local before, last, limit = tonumber(take()), take(), take()
local events = redis.call('XRANGE', P .. 'ev', '(' .. last .. '-0', '+', 'COUNT', limit)
local gone = 0
for _, event in ipairs(events) do
  local fields = event[2]
  last = string.match(event[1], '^%d+')
  if tonumber(fields[2]) < before then
    redis.call('XDEL', P .. 'ev', event[1])
    redis.call('ZREM', P .. 'es:' .. fields[6], last)
    gone = gone + 1
  end
end
return { stamp, whole(gone), whole(#events), last }
