-- One admission: replay of every proof, every bucket, the issue record. All or nothing.
-- The arithmetic is that of limits/gcra.py and admission/judge.py; one test body holds the three
-- stores together. Whatever is refused has written nothing: all writes stand at the end.
--
-- KEYS: since, issued, issued:n, one for each proof, then for each bucket its key and, where it
-- has a floor, the floor's key. All carry the hash tag of one partition.
-- ARGV: now_us since_us proofs buckets partial records_kept margin_ms
--       for each proof: lifetime in ms
--       for each bucket: cost burst emission_us floor_burst floor_emission_us
--       the fields of the record: name, value, ... (none: no record)
-- Gives {0, units, tats...} taken, {1, index} replayed, {2, index, wait_us, tats...} refused,
-- {3} this Redis does not hold what happened since since_us. Indexes count from 0; of each
-- bucket two TATs.

local now = tonumber(ARGV[1])
local proofs = tonumber(ARGV[3])
local buckets = tonumber(ARGV[4])
local margin = tonumber(ARGV[7])

if redis.call('GET', KEYS[1]) ~= ARGV[2] then
  return {3}
end

local seen = {}
for i = 1, proofs do
  local key = KEYS[3 + i]
  if seen[key] or redis.call('EXISTS', key) == 1 then
    return {1, i - 1}
  end
  seen[key] = true
end

local function never(burst, emission)
  return math.max(burst * emission, 60000000)
end

-- The new TAT and 0, or the old one and how long to wait.
local function ask(burst, emission, units, tat)
  if units > burst then
    return tat, never(burst, emission)
  end
  local new = math.max(tat, now) + units * emission
  local wait = new - burst * emission - now
  if wait > 0 then
    return tat, wait
  end
  return new, 0
end

local function holds(burst, emission, tat)
  return math.floor(math.max(burst * emission - math.max(tat - now, 0), 0) / emission)
end

local all = {}
local at_key = 3 + proofs
local at = 7 + proofs
local fewest = nil
for i = 1, buckets do
  local b = {
    cost = tonumber(ARGV[at + 1]), burst = tonumber(ARGV[at + 2]), emission = tonumber(ARGV[at + 3]),
    floor_burst = tonumber(ARGV[at + 4]), floor_emission = tonumber(ARGV[at + 5]),
    key = KEYS[at_key + 1], floor_tat = 0,
  }
  at = at + 5
  at_key = at_key + 1
  b.tat = tonumber(redis.call('GET', b.key) or '0')
  local units = holds(b.burst, b.emission, b.tat)
  if b.floor_emission > 0 then
    at_key = at_key + 1
    b.floor_key = KEYS[at_key]
    b.floor_tat = tonumber(redis.call('GET', b.floor_key) or '0')
    units = math.max(units, holds(b.floor_burst, b.floor_emission, b.floor_tat))
  end
  units = math.min(units, b.cost)
  if fewest == nil or units < fewest then
    fewest = units
  end
  all[i] = b
end

local granted = 1
if buckets > 0 then
  granted = all[1].cost
end
if ARGV[5] == '1' then
  granted = math.max(fewest or 1, 1)
end

local refused, longest = nil, 0
for i = 1, buckets do
  local b = all[i]
  local units = b.cost
  if ARGV[5] == '1' then
    units = granted
  end
  local new, wait = ask(b.burst, b.emission, units, b.tat)
  if wait == 0 then
    b.write_key, b.write, b.after = b.key, new, new
    b.floor_after = b.floor_tat
  elseif b.floor_key then
    local floor_new, floor_wait = ask(b.floor_burst, b.floor_emission, units, b.floor_tat)
    wait = math.min(wait, floor_wait)
    b.write_key, b.write, b.after, b.floor_after = b.floor_key, floor_new, b.tat, floor_new
  end
  if wait > longest then
    refused, longest = i, wait
  end
end

if refused then
  local answer = {2, refused - 1, longest}
  for i = 1, buckets do
    answer[#answer + 1] = all[i].tat
    answer[#answer + 1] = all[i].floor_tat
  end
  return answer
end

for i = 1, proofs do
  redis.call('SET', KEYS[3 + i], '', 'PX', ARGV[7 + i])
end
local answer = {0, granted}
for i = 1, buckets do
  local b = all[i]
  -- A bucket that has filled again is what a bucket never seen is: it may go.
  local life = math.ceil((b.write - now) / 1000) + margin
  redis.call('SET', b.write_key, string.format('%.0f', b.write), 'PX', string.format('%.0f', life))
  answer[#answer + 1] = b.after
  answer[#answer + 1] = b.floor_after
end
if #ARGV > at then
  local number = redis.call('INCR', KEYS[3])
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'n', string.format('%.0f', number), unpack(ARGV, at + 1))
end
return answer
