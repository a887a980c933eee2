-- How many records of a kind are noted, and how many of them are over. ARGV: now, kind.
local kind = take()
local all = redis.call('ZCARD', P .. 'k:' .. kind)
return { stamp, whole(all), whole(redis.call('ZCOUNT', P .. 'x:' .. kind, '-inf', whole(now))) }
