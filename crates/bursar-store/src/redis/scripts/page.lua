-- Records of a kind, or those with one value of an index, ordered by key.
-- ARGV: now, kind, index or empty, value, first key as a lexical bound, limit.
local kind, index, value, from, limit = take(), take(), take(), take(), tonumber(take())
local set = index == '' and P .. 'k:' .. kind or index_name(kind, index, value)
local found, gone, seen, more = {}, {}, 0, false
while #found < limit * 5 do
  local keys = redis.call('ZRANGEBYLEX', set, from, '+', 'LIMIT', 0, 128)
  for _, key in ipairs(keys) do
    -- Not even a long row of expired records may keep the server from its other work.
    if #found >= limit * 5 or seen >= 2000 then
      more = true
      break
    end
    local record = redis.call('HMGET', record_name(kind, key), 'v', 'b', 'd', 'e', 'i:' .. index)
    if not record[1] or (index ~= '' and record[5] ~= value) then
      gone[#gone + 1] = key
    elseif not is_over(record[4]) then
      for _, part in ipairs({ key, record[1], record[2], record[3], record[4] }) do found[#found + 1] = part end
    end
    seen = seen + 1
    from = '(' .. key
  end
  if more or #keys < 128 then break end
end
-- The server collected these records; what led to them goes when somebody passes by.
for _, key in ipairs(gone) do
  redis.call('ZREM', set, key)
  -- Whatever is noted as over must be noted as there, or a tally would subtract more than there is.
  if index == '' then redis.call('ZREM', P .. 'x:' .. kind, key) end
end
return { stamp, found, more and from or false }
