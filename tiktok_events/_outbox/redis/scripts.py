"""Lua scripts for the steps that must read and write atomically.

MULTI cannot act on what it reads, and WATCH on a stream fails whenever a process puts an event. So the script that
changes an entry also checks that the entry still belongs to the caller's claim. It compares the number of deliveries:
that number changes with every delivery of the entry, and needs no clock.

Redis counts the deliveries of an entry. Of these, each that ended with `nack` counts `GIVEN_BACK`, and each that ended
in a crash counts 1.
"""

from __future__ import annotations

GIVEN_BACK = 1_000_000
A_YEAR = 31_536_000_000

# KEYS: the stream, its remembered ids. ARGV: the seconds to remember, the time now in seconds (by default the server's),
# then for each record its id, its data, and 1 if it has a key. Returns for each record the id of its entry, or, if its key
# was put before, the seconds since then as a number.
PUT = """
local remember, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end
local stored = {}
for i = 3, #ARGV, 3 do
  local id, data, keyed = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local put = keyed and remember > 0 and tonumber(redis.call('ZSCORE', KEYS[2], id) or nil)
  if put and now - put < remember then
    stored[#stored + 1] = math.max(0, math.floor(now - put))
  elseif keyed then
    stored[#stored + 1] = redis.call('XADD', KEYS[1], '*', 'id', id, 'data', data, 'keyed', '1')
    if remember > 0 then redis.call('ZADD', KEYS[2], now, id) end
  else
    stored[#stored + 1] = redis.call('XADD', KEYS[1], '*', 'id', id, 'data', data)
  end
end
if remember > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - remember)
  redis.call('EXPIRE', KEYS[2], math.ceil(remember) + 1)
end
return stored
"""

# KEYS: the stream, its dead letters, its remembered ids. ARGV: the group, two arguments of the script, then pairs of entry and deliveries.
# One XPENDING range covers entries that were claimed together; the others are read one by one.
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
local function delete()
  if #held == 0 then return end
  redis.call('XACK', KEYS[1], ARGV[1], unpack(held))
  redis.call('XDEL', KEYS[1], unpack(held))
end
"""

ACK = f"{_HELD} delete() return #held"

# The two arguments: the consumer that gets the entries, and their idle time in milliseconds.
NACK = f"""{_HELD}
for _, id in ipairs(held) do
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id,
             'IDLE', ARGV[3], 'RETRYCOUNT', now[id] + {GIVEN_BACK - 1}, 'JUSTID')
end
return #held
"""

# The two arguments: the reason, and how many dead letters are kept. Redis does not roll back a script that fails, so an
# entry is added to the dead letters before it is deleted from the stream.
DEAD_LETTER = f"""{_HELD}
for _, id in ipairs(held) do
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    local fields = entry[2]
    fields[#fields + 1] = 'reason'
    fields[#fields + 1] = ARGV[2]
    redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], '*', unpack(fields))
    redis.call('ZREM', KEYS[3], fields[2])
  end
end
delete()
return #held
"""

# KEYS: the stream. ARGV: the group, the consumer, the lease in milliseconds, the limit, and the cursor of XAUTOCLAIM.
# XAUTOCLAIM scans ten times as many entries as it may claim; this script scans 10,000 at most, because the server is
# blocked meanwhile. Returns the next cursor, then each entry and its deliveries.
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

# KEYS: the stream. ARGV: the group, a consumer whose process has ended, and the consumer that gets its entries. They can
# be claimed at once. Returns their number.
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

# KEYS: the stream. ARGV: the group, and the milliseconds after which an idle consumer without entries is deleted.
# Deleting a consumer loses its entries, so none may be delivered to it between the check and the deletion.
DELETE_IDLE_CONSUMERS = """
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
  if consumer.pending == 0 and consumer.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
"""

# KEYS: the stream. ARGV: entries. Returns the ids of those in the stream, without their contents.
EXISTING = """
local found = {}
for _, id in ipairs(ARGV) do
  if redis.call('XRANGE', KEYS[1], id, id)[1] then found[#found + 1] = id end
end
return found
"""

# KEYS: the stream. ARGV: the group. Returns 0 if there is no stream. The error for a group that another process has just
# created is ignored.
CREATE_GROUP = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0')
return 1
"""
