-- What became of a commit. ARGV: now, id.
return { stamp, outcome(take()) }
