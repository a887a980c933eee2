-- Writes records and events of a backup. ARGV: now, records, events. A record comes with the version it had.
for _ = 1, tonumber(take()) do
  local kind, key, sequence = take(), take(), take()
  put(kind, key, sequence, take_content())
end
append()
return { stamp }
