-- The rule of src/buckets/rule.rs, for buckets that several servers share. KEYS: the buckets. ARGV:
-- the time in microseconds (less than 0: Redis's own), then of each bucket how much it holds, its
-- interval in microseconds, and how much is taken (less than none: put back). All is taken or
-- nothing. Answers which one refuses (0: none), for how long, and in how long each is full.
local now = tonumber(ARGV[1])
if now < 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local refused, wait, old, new = 0, 0, {}, {}
for at, key in ipairs(KEYS) do
  local size, interval = tonumber(ARGV[3 * at - 1]), tonumber(ARGV[3 * at])
  local points = tonumber(ARGV[3 * at + 1])
  old[at] = math.max(tonumber(redis.call('GET', key) or now), now)
  new[at] = old[at] + points * interval
  local over = new[at] - now - size * interval
  if points > 0 and over > 0 and over > wait then
    refused, wait = at, over
  end
end
local answer = { refused, wait }
for at, key in ipairs(KEYS) do
  local full_at = new[at]
  if refused > 0 then
    full_at = old[at]
  elseif full_at > now then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', key)
  end
  answer[at + 2] = math.max(full_at - now, 0)
end
return answer
