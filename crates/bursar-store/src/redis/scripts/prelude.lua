-- Shared by all scripts of the store: time, names of keys, and what a record is made of.
--
-- KEYS[1] is the prefix of everything in one space, hash tag included, so every key made from it is in one slot:
--   r:KIND:KEY           a record: v version, b body, d due, e expires, i:INDEX a value for each index
--   k:KIND               all keys of a kind, in order          i:KIND:INDEX:VALUE   keys with that value, in order
--   d:KIND               keys by due time                      x:KIND               keys by expiry
--   c:ID                 "SEQUENCE AT" of a commit             ch                   the change sequence
--   en, ev, es:SUBJECT   number, log and subjects of events    n:NAME               a counter
--   bk, bt               a backup is running; what was touched meanwhile
--   moved                where all records have gone: nothing is written here any more
--   meta                 of the system space: schema, and `restoring` while the store is half restored
--   spaces               of the system space: the list of all others
--
-- ARGV[1] is the time to judge by in milliseconds, or empty for this server's own.
-- Nothing fails after the first write of a script: Redis does not undo.
local P = KEYS[1]
local clock = redis.call('TIME')
local server = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local stamp = string.format('%.0f', server)
local now = tonumber(ARGV[1]) or math.floor(server / 1000)
local DAY = 86400000

local function whole(number) return string.format('%.0f', number) end
local function record_name(kind, key) return P .. 'r:' .. kind .. ':' .. key end
local function index_name(kind, index, value) return P .. 'i:' .. kind .. ':' .. index .. ':' .. value end
local function is_over(expires) return expires and tonumber(expires) <= now end

local position = 1
local function take()
  position = position + 1
  return ARGV[position]
end
local function take_list(width)
  local list = {}
  for n = 1, tonumber(take()) * width do list[n] = take() end
  return list
end

-- The version of a live record, or false.
local function version(kind, key)
  local found = redis.call('HMGET', record_name(kind, key), 'v', 'e')
  return found[1] and not is_over(found[2]) and found[1]
end

-- Takes a record out of everything that leads to it.
local function forget(kind, key, declared)
  local name = record_name(kind, key)
  for _, index in ipairs(declared) do
    local value = redis.call('HGET', name, 'i:' .. index)
    if value then redis.call('ZREM', index_name(kind, index, value), key) end
  end
  redis.call('DEL', name)
  redis.call('ZREM', P .. 'k:' .. kind, key)
  redis.call('ZREM', P .. 'd:' .. kind, key)
  redis.call('ZREM', P .. 'x:' .. kind, key)
end

-- Reads a record's content from the arguments: grace, body, due, expires, declared indexes, values of indexes.
local function take_content()
  return {
    grace = take(), body = take(), due = take(), expires = take(), declared = take_list(1), values = take_list(2),
  }
end

-- Writes a record. The server's own expiry only collects: it comes long after the record has ceased to exist.
local function put(kind, key, sequence, content)
  forget(kind, key, content.declared)
  local name = record_name(kind, key)
  redis.call('HSET', name, 'v', sequence, 'b', content.body)
  redis.call('ZADD', P .. 'k:' .. kind, 0, key)
  if content.due ~= '' then
    redis.call('HSET', name, 'd', content.due)
    redis.call('ZADD', P .. 'd:' .. kind, content.due, key)
  end
  local left
  if content.expires ~= '' then
    left = whole(math.max(tonumber(content.expires) - now, 0) + tonumber(content.grace))
    redis.call('HSET', name, 'e', content.expires)
    redis.call('ZADD', P .. 'x:' .. kind, content.expires, key)
    redis.call('PEXPIRE', name, left)
  end
  for n = 1, #content.values, 2 do
    local index, value = content.values[n], content.values[n + 1]
    redis.call('HSET', name, 'i:' .. index, value)
    -- What leads to a record lives as long as the longest-lived of its records, and for ever if one of them does.
    local set = index_name(kind, index, value)
    local before = redis.call('PTTL', set)
    redis.call('ZADD', set, 0, key)
    if not left then
      redis.call('PERSIST', set)
    elseif before == -2 or (before >= 0 and before < tonumber(left)) then
      redis.call('PEXPIRE', set, left)
    end
  end
end

-- What a script answers where nothing is written any more because all has moved, or nothing.
local function moved_away()
  local moved = redis.call('GET', P .. 'moved')
  return moved and redis.error_reply('BURSARMOVED ' .. moved)
end

-- What a script that writes answers where nothing may be written now, or nothing. What is written into a half restored store
-- would be emptied with it. On a cluster only the system space knows of that, because the others are in other slots.
local function refusal()
  local moved = moved_away()
  if moved then return moved end
  local counted = string.sub(KEYS[2], 1, -1 - string.len('sequence'))
  local half = redis.call('HGET', counted .. 'meta', 'restoring')
  return half and redis.error_reply('BURSARHALF a restore is under way, or was not finished')
end

-- The next number of all commits. A server that lost its data starts from the time, so that no number comes twice.
local function next_sequence()
  if redis.call('INCR', KEYS[2]) == 1 then redis.call('SET', KEYS[2], stamp) end
  return redis.call('GET', KEYS[2])
end

-- Appends events from the arguments: at, name, subject, detail.
local function append()
  local events = take_list(4)
  for n = 1, #events, 4 do
    local id = whole(redis.call('INCR', P .. 'en'))
    local subject = events[n + 2]
    redis.call('XADD', P .. 'ev', id .. '-0', 'at', events[n], 'name', events[n + 1], 'subject', subject,
      'detail', events[n + 3])
    redis.call('ZADD', P .. 'es:' .. subject, id, id)
  end
end

-- The number of a commit that is still remembered, or false.
local function outcome(id)
  local noted = redis.call('GET', P .. 'c:' .. id)
  if not noted then return false end
  local sequence, at = string.match(noted, '^(%d+) (-?%d+)$')
  return sequence and tonumber(at) + DAY > now and sequence
end
