-- The most overdue records, and when the next one falls due. ARGV: now, kind, until, limit.
local kind, last, limit = take(), tonumber(take()), tonumber(take())
local set = P .. 'd:' .. kind
local found, gone, next_due, offset, count = {}, {}, false, 0, 0
while not next_due do
  local rows = redis.call('ZRANGE', set, offset, offset + 127, 'WITHSCORES')
  for n = 1, #rows, 2 do
    local key, due = rows[n], tonumber(rows[n + 1])
    local record = redis.call('HMGET', record_name(kind, key), 'v', 'b', 'd', 'e')
    if not record[1] or not record[3] or tonumber(record[3]) ~= due then
      gone[#gone + 1] = key
    elseif not is_over(record[4]) then
      if due > last or count >= limit then
        next_due = whole(due)
        break
      end
      for _, part in ipairs({ key, record[1], record[2], record[3], record[4] }) do found[#found + 1] = part end
      count = count + 1
    end
  end
  if #rows < 256 then break end
  offset = offset + 128
end
for _, key in ipairs(gone) do redis.call('ZREM', set, key) end
return { stamp, found, next_due }
