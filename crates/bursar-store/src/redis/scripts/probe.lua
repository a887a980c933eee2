-- Tries every command the other scripts use, so that a missing permission shows before anything depends on it.
local name = P .. 'probe:' .. ARGV[2]
local tried = {
  { 'HSET', name, 'v', '1' }, { 'HGET', name, 'v' }, { 'HMGET', name, 'v' }, { 'HINCRBY', name, 'v', '1' },
  { 'HGETALL', name }, { 'DEL', name },
  { 'ZADD', name, '0', 'a' }, { 'ZREM', name, 'b' }, { 'ZRANGE', name, '0', '1' }, { 'ZCARD', name },
  { 'ZCOUNT', name, '-inf', '0' },
  { 'ZRANGEBYLEX', name, '-', '+' }, { 'ZRANGEBYSCORE', name, '0', '1' }, { 'DEL', name },
  { 'INCR', name }, { 'GET', name }, { 'EXISTS', name }, { 'PEXPIRE', name, '60000' }, { 'PTTL', name },
  { 'PERSIST', name }, { 'SET', name, '1', 'PX', '60000' }, { 'DEL', name },
  { 'SADD', name, 'a' }, { 'SMEMBERS', name }, { 'SISMEMBER', name, 'a' }, { 'DEL', name },
  { 'XADD', name, '1-1', 'a', 'b' }, { 'XRANGE', name, '-', '+' }, { 'XDEL', name, '1-1' }, { 'DEL', name },
}
for _, command in ipairs(tried) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then return { stamp, command[1], answer.err } end
end
return { stamp }
