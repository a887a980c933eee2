-- One commit: all of it or nothing.
-- KEYS: prefix, sequence, last announced. ARGV: now, deadline, id, origin, channel, writes, guards, events.
local deadline, id, origin, channel = take(), take(), take(), take()
-- A commit that waited in a broken network until its sender gave up must not happen behind its back.
if deadline ~= '' and server > tonumber(deadline) then return { stamp, 'late' } end
local first = outcome(id)
if first then return { stamp, 'done', first, '0' } end
local refused = refusal()
if refused then return refused end

local function holds(kind, key, expected)
  local found = version(kind, key)
  if expected == '' then return not found end
  return found == expected
end

local writes = {}
local count = tonumber(take())
for n = 1, count do
  local write = { act = take(), kind = take(), key = take(), expected = take(), watched = take() }
  if write.act == 'put' then write.content = take_content() else write.declared = take_list(1) end
  writes[n] = write
end
for n, write in ipairs(writes) do
  if not holds(write.kind, write.key, write.expected) then return { stamp, 'conflict', whole(n) } end
end
local guards = take_list(3)
for n = 1, #guards, 3 do
  if not holds(guards[n], guards[n + 1], guards[n + 2]) then
    return { stamp, 'conflict', whole(count + (n + 2) / 3) }
  end
end

local sequence = next_sequence()
redis.call('SET', P .. 'c:' .. id, sequence .. ' ' .. whole(now), 'PX', whole(DAY + 3600000))
local tracked = redis.call('EXISTS', P .. 'bk') == 1
local announced = false
for n, write in ipairs(writes) do
  if write.act == 'put' then
    put(write.kind, write.key, sequence, write.content)
  else
    forget(write.kind, write.key, write.declared)
  end
  local place = sequence .. '-' .. whole(n)
  if write.watched == '1' then
    redis.call('XADD', P .. 'ch', place, 'at', whole(now), 'kind', write.kind, 'key', write.key)
    announced = true
  end
  if tracked then redis.call('XADD', P .. 'bt', place, 'kind', write.kind, 'key', write.key) end
end
if tracked then redis.call('PEXPIRE', P .. 'bt', 120000) end
append()

if announced then
  -- More of the oldest changes than there are new ones, so that there is never much to forget at once.
  for _, change in ipairs(redis.call('XRANGE', P .. 'ch', '-', '+', 'COUNT', whole(count + 8))) do
    if tonumber(change[2][2]) + DAY <= now then redis.call('XDEL', P .. 'ch', change[1]) end
  end
  -- Nothing changes any more in a sandbox that has ended.
  redis.call('PEXPIRE', P .. 'ch', whole(DAY + 3600000))
  redis.call('SET', KEYS[3], sequence)
  -- Only a hint: a server that may not publish still commits.
  redis.pcall('PUBLISH', channel, origin .. ' ' .. sequence)
end
return { stamp, 'done', sequence, announced and '1' or '0' }
