"""What has to look and act in one step, in Lua.

A MULTI cannot act on what it reads, and a WATCH on a stream fails whenever anybody puts something into it. So the
question "is this entry still the one I was given?" is asked where the answer decides. The number of deliveries tells:
every time an entry is handed out it is another one, and it goes by no clock.

Redis counts deliveries. Of ours, each one that was given back counts `GIVEN_BACK`, each that ended in a crash counts 1.
"""

from __future__ import annotations

GIVEN_BACK = 1_000_000
A_YEAR = 31_536_000_000

# KEYS: the stream, its dead letters. ARGV: the group, two arguments of the verb, then pairs of entry and deliveries.
# One range tells of entries that were claimed together; those it does not reach are looked at one by one.
_HELD = """
local function deliveries(first, last, count)
  return redis.call('XPENDING', KEYS[1], ARGV[1], first, last, count)
end
local now, held = {}, {}
for _, entry in ipairs(deliveries(ARGV[4], ARGV[#ARGV - 1], #ARGV)) do now[entry[1]] = entry[4] end
for i = 4, #ARGV, 2 do
  local id, number = ARGV[i], tonumber(ARGV[i + 1])
  if not now[id] then
    local entry = deliveries(id, id, 1)[1]
    now[id] = entry and entry[4]
  end
  if now[id] == number then held[#held + 1] = id end
end
local function forget()
  if #held == 0 then return end
  redis.call('XACK', KEYS[1], ARGV[1], unpack(held))
  redis.call('XDEL', KEYS[1], unpack(held))
end
"""

ACK = f"{_HELD} forget() return #held"

# The arguments: the consumer that gets them, and how long they have been idle, in milliseconds.
NACK = f"""{_HELD}
for _, id in ipairs(held) do
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id,
             'IDLE', ARGV[3], 'RETRYCOUNT', now[id] + {GIVEN_BACK - 1}, 'JUSTID')
end
return #held
"""

# The arguments: the reason, and how many dead letters are kept. First into the dead letters, then out of the stream:
# a script that fails in between is undone by nobody.
BURY = f"""{_HELD}
for _, id in ipairs(held) do
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    local fields = entry[2]
    fields[#fields + 1] = 'reason'
    fields[#fields + 1] = ARGV[2]
    redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', unpack(fields))
  end
end
forget()
return #held
"""

# KEYS: the stream. ARGV: the group, the consumer, the lease in milliseconds, how many, and where to go on looking.
# XAUTOCLAIM looks at ten times as many as it may take; at 10,000 in all, so that nobody waits long for the server.
# Gives where to go on, then each entry and its deliveries.
RECLAIM = """
local limit, taken = tonumber(ARGV[4]), {ARGV[5]}
for _ = 1, math.ceil(1000 / limit) do
  local count = limit - (#taken - 1) / 2
  local found = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], taken[1], 'COUNT', count)
  taken[1] = found[1]
  for _, entry in ipairs(found[2]) do
    if entry then
      taken[#taken + 1] = entry
      taken[#taken + 1] = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)[1][4]
    end
  end
  if taken[1] == '0-0' or #taken > 2 * limit then break end
end
return taken
"""

# KEYS: the stream. ARGV: the group, a consumer that is gone, and who gets what it had, to be claimed at once.
RELEASE = f"""
local released, from = 0, '-'
repeat
  local ids = {{}}
  for _, entry in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], from, '+', 1000, ARGV[2])) do
    ids[#ids + 1] = entry[1]
  end
  for _, id in ipairs(ids) do
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, id, 'IDLE', {A_YEAR}, 'JUSTID')
  end
  released = released + #ids
  if #ids > 0 then from = '(' .. ids[#ids] end
until #ids < 1000
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return released
"""

# KEYS: the stream. ARGV: the group, and for how many milliseconds a consumer without any entry was not heard of.
# Deleting a consumer loses what it has, so nobody may be handed anything between the look and the deed.
SWEEP = """
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and consumer.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
"""

# KEYS: the stream. ARGV: entries. Gives those that are there, without sending what is in them.
STILL = """
local there = {}
for _, id in ipairs(ARGV) do
  if redis.call('XRANGE', KEYS[1], id, id)[1] then there[#there + 1] = id end
end
return there
"""

# KEYS: the stream. ARGV: the group. Gives 0 if there is no stream; somebody else may have made the group meanwhile.
MAKE_GROUP = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0')
return 1
"""
