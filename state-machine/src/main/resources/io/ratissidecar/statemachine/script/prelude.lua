-- Runs in front of every replicated script and library, on its own first line: comment lines are left out, line ends become
-- spaces. It shadows what would answer differently from node to node. It runs anew with each call, since Redis keeps
-- nothing from one run to the next: so it makes few closures and no large table, and common commands come first.
--
-- @NAME@ is filled in by Prelude. The last two arguments are the entry's clock in milliseconds, and 'seed:database'. A
-- seed that begins with 0 says that the leader's Redis uses more memory than it may. Scripts of the sidecar's own may have
-- 'seed:database:entries', the leader's stream-node-max-entries.
@START@
local run
run = function(name, ...)
  if name == 'GET' or name == 'get' or name == 'INCR' or name == 'incr' or name == 'HGET' or name == 'hget'
    or name == 'HSET' or name == 'hset' or name == 'HMGET' or name == 'hmget' or name == 'INCRBY' or name == 'incrby'
    or name == 'DEL' or name == 'del' or name == 'EXISTS' or name == 'exists'
    or (name == 'ZADD' or name == 'zadd') and select('#', ...) == 3
    or name == 'ZCARD' or name == 'zcard' or name == 'ZREMRANGEBYSCORE' or name == 'zremrangebyscore'
    or name == 'HMSET' or name == 'hmset' or name == 'HINCRBY' or name == 'hincrby' or name == 'SADD' or name == 'sadd'
    or name == 'SISMEMBER' or name == 'sismember' or name == 'LPUSH' or name == 'lpush' or name == 'RPUSH'
    or name == 'rpush' or name == 'LLEN' or name == 'llen' or name == 'HDEL' or name == 'hdel' then
    return real(name, ...)
  end
  -- Here and not below, since rate limiters call these, and need nothing of the rest.
  if name == 'EXPIRE' or name == 'expire' or name == 'PEXPIRE' or name == 'pexpire' then
    local key, text = ...
    local time = tonumber(text)
    -- What is no whole number is Redis's to reject.
    local integer = type(text) == 'number' and time < 1e17
      or type(text) == 'string' and string.find(text, '^[1-9]%d*$') and (#text < 19 or #text == 19 and text <= '9223372036854775807')
    if integer and time > 0 and time % 1 == 0 then
      local at = (#name == 6 and time * 1000 or time) + clock
      if at < 9223372036854775808 then
        -- The last number below 2^63 that Lua has.
        at = string.format('%.0f', math.min(at + @SHIFT@, 9223372036854774784))
        return real('PEXPIREAT', key, at, select(3, ...))
      end
      -- Too late by any clock; for Redis 6.2, which multiplies first, the last number of seconds that is one of milliseconds.
      return real(name, key, #name == 6 and '9223372036854775' or '9223372036854775807', select(3, ...))
    end
    -- Versions differ in which numbers they write without an exponent.
    local exact = type(text) == 'number' and string.format('%.17g', text) or text
    -- Zero and less deletes at once. Redis may read its clock twice for it, which may be set back in between, but not by so much.
    if exact == '0' or time and time > (#name == 6 and -4e9 or -4e12) and string.find(exact, '^%-[1-9]%d*$') then
      exact = #name == 6 and '-4000000000' or '-4000000000000'
    end
    if exact ~= text then return real(name, key, exact, select(3, ...)) end
    return real(name, ...)
  end
  if (name == 'TIME' or name == 'time') and select('#', ...) == 0 then
    return {string.sub(clock, 1, -4), clock % 1000 * 1000 .. ''}
  end
  if rare then return rare(name, ...) end

-- Made only when it is needed.
local R = redis
local type, tonumber, find, lower, format = type, tonumber, string.find, string.lower, string.format
local now, state = tonumber(clock)
-- Takes the sign from scores of zero: Redis keeps it or not, by how the node packs the set. They are every second element, or
-- every one.
local unsigned
unsigned = function(r, every)
  if r == '-0' then return '0' end
  if type(r) ~= 'table' then return r end
  if r.double then r.double = r.double + 0 end
  for i = 1, table.maxn(r) do
    if type(r[i]) == 'table' or i % 2 == 0 or every then r[i] = unsigned(r[i], every) end
  end
  return r
end

rare = function(name, ...)
  local count = select('#', ...)
  if name == nil and count == 0 then return real() end
  if type(name) ~= 'string' then return real(name, ...) end
  local c = lower(name)
  if c == 'set' and count == 2 then return real(name, ...) end
  local exactly
  if c == 'xadd' or c == 'xtrim' then
    -- With '~' whole nodes of the stream go, and not too many at once. How large they are is a setting of each Redis, and
    -- where they begin its history: so they are counted from the first entry, by the leader's setting. Returns the threshold
    -- for '=' that does the same, nil where XADD needs none, false for what Redis rejects.
    exactly = function(key, by, threshold, limit, bytes)
      local adds = bytes
      -- A whole number that is not negative, as Redis takes it, or nil.
      local natural = function(text)
        if text == '0' then return 0 end
        local fits = text and find(text, '^[1-9]%d*$') and (#text < 19 or #text == 19 and text <= '9223372036854775807')
        return fits and tonumber(text)
      end
      local keep, size = natural(threshold), tonumber(string.match(source, '^%d+:%d+:(%d+)$') or 100)
      if by == 'maxlen' and not keep or not threshold then return false end
      if limit then
        limit = natural(limit)
        if not limit then return false end
        if limit == 0 then limit = math.huge end
      else
        limit = math.min(100 * size, 1000000)
      end
      local length = real('XLEN', key)
      if type(length) == 'table' then return threshold end
      if adds then length = length + 1 end
      if by == 'minid' then
        if length <= limit then return threshold end
        -- The ID behind as many as may go.
        local from, left = '-', limit
        local id = find(threshold, '-', 1, true) and threshold or threshold .. '-0'
        while true do
          local page = real('XRANGE', key, from, '(' .. id, 'COUNT', '100')
          if page.err or #page < 100 and #page <= left then return threshold end
          if #page > left then return page[left + 1][1] end
          from, left = '(' .. page[100][1], left - 100
        end
      end
      if length <= keep then
        if adds then return end
        return threshold
      end
      if keep == 0 and length <= limit then return '0' end
      if not adds then bytes = #table.concat(real('XRANGE', key, '-', '+', 'COUNT', '1')[1][2]) end
      -- A node also ends at 4 KiB, unless that is set otherwise.
      size = math.min(size, math.max(math.floor(4096 / math.max(bytes, 1)), 1))
      local due = math.min(length - keep, limit)
      due = due - due % size
      if due > 0 or not adds then return format('%.0f', length - due) end
    end
  end
  if c == 'xadd' then
    -- The common forms: XADD key [MAXLEN|MINID [=|~] threshold] * field value ...
    local key, option, mark, threshold = ...
    local at = 2
    if option ~= '*' and type(option) == 'string' then
      option = lower(option)
      if option == 'maxlen' or option == 'minid' then at = (mark == '=' or mark == '~') and 5 or 4 end
    end
    if select(at, ...) == '*' and (at < 5 or mark == '=' or type(key) == 'string' and type(threshold) == 'string') then
      local b = {...}
      if at == 5 and mark == '~' then
        local bytes = 0
        for k = 6, count do bytes = bytes + #tostring(b[k]) end
        threshold = exactly(key, option, threshold, nil, bytes)
        if threshold then
          b[3], b[4] = '=', threshold
        elseif threshold == nil then
          b, at = {key, '*', select(6, ...)}, 2
        end
      end
      -- '*' as the second part is the next number within a millisecond; Redis 6.2 does not know that.
      b[at] = clock .. (R.REDIS_VERSION_NUM and '-*' or '-0')
      local r = real(name, unpack(b))
      if type(r) ~= 'table' or not r.err or not find(r.err, 'ERR', 1, true) then return r end
      -- The stream may be ahead of the clock, which is looked after below.
    end
  end
  if c == 'expire' or c == 'pexpire' or c == 'time' then
    -- In whatever letters. TIME with an argument is Redis's to reject.
    if c ~= name and (c ~= 'time' or count == 0) then return run(c, ...) end
    return real(name, ...)
  end
  if c == 'publish' or c == 'spublish' then
    -- How many subscribers a node has is no matter of the data.
    local r = real(name, ...)
    return type(r) == 'number' and 0 or r
  end
  local lex = c == 'zlexcount' or find(c, 'bylex', 1, true)
  local scored = find(' zadd zscore zmscore zincrby zpopmin zpopmax zmpop ', ' ' .. c .. ' ', 1, true)
  local option = count + 1
  if find(' zrange zrangestore zrevrange zrangebyscore zrevrangebyscore ', ' ' .. c .. ' ', 1, true) then
    option = 4
  elseif find(' zunion zinter zdiff ', ' ' .. c .. ' ', 1, true) then
    option = (tonumber((...)) or count) + 2
  elseif find(' zrank zrevrank ', ' ' .. c .. ' ', 1, true) then
    option = 3
  end
  for i = math.max(option, 1), count do
    local w = select(i, ...)
    w = type(w) == 'string' and lower(w)
    lex = lex or w == 'bylex' and (c == 'zrange' or c == 'zrangestore')
    scored = scored or w == 'withscores' or w == 'withscore'
  end
  if not lex and (c == 'zrange' or c == 'zrangestore' or find('@PLAIN@', ' ' .. c .. ' ', 1, true)) then
    if scored then return unsigned(real(name, ...), find(c, 'mscore', 1, true)) end
    return real(name, ...)
  end

  -- From here on what is seldom used: every name is compared in turn.
  local a = {...}
  for i = 1, count do
    local t = type(a[i])
    if t == 'number' then
      a[i] = format('%.17g', a[i])
    elseif t ~= 'string' then
      return real(name, ...)
    end
  end
  local word = function(i) return a[i] and lower(a[i]) end
  local failed = function(r) return type(r) == 'table' and r.err end
  local error_reply = function(text) return {err = text} end
  -- Asks in RESP2, whose replies have an order.
  local ask = function(...)
    if resp == 2 then return real(...) end
    R.setresp(2)
    local r = real(...)
    R.setresp(resp)
    return r
  end
  -- Lua compares strings by the locale, a setting of the node. In that of C it compares bytes, as this does.
  local before
  if not ('B' < 'a' and '_' < 'a' and 'z' < '\195') then
    local byte = string.byte
    before = function(x, y)
      for i = 1, #x do
        local p, q = byte(x, i), byte(y, i)
        if p ~= q then return q and p < q end
      end
      return #x < #y
    end
  end
  local sorted = function(list)
    table.sort(list, before)
    return list
  end
  local pairs_of = function(flat)
    local keys, values = {}, {}
    for i = 1, #flat, 2 do keys[#keys + 1] = flat[i] values[flat[i]] = flat[i + 1] end
    return sorted(keys), values
  end
  -- As Redis gives a set to a script in RESP3. Filled in order, the table has one order on every node.
  local as_set = function(list)
    if resp == 2 then return list end
    local set = {}
    for i = 1, #list do set[list[i]] = true end
    return {set = set}
  end
  local as_map = function(keys, values)
    local r = {}
    if resp == 2 then
      for i = 1, #keys do r[2 * i - 1] = keys[i] r[2 * i] = values[keys[i]] end
      return r
    end
    for i = 1, #keys do r[keys[i]] = values[keys[i]] end
    return {map = r}
  end
  local random = function(most)
    state = ((state or tonumber(string.match(source, '^%d+')) % 2147483646 + 1) * 16807) % 2147483647
    return math.floor(state / 2147483647 * most) + 1
  end
  local null = function()
    if resp == 2 then return false end
    return nil
  end
  -- A number as Redis takes it, or nil.
  local long = function(text)
    local sign, digits = string.match(text or '', '^(%-?)([1-9]%d*)$')
    local most = sign == '-' and '9223372036854775808' or '9223372036854775807'
    if text == '0' or digits and (#digits < 19 or #digits == 19 and digits <= most) then return tonumber(text) end
  end

  -- The clock of this node, which nothing may depend on.
  local millis = function()
    local t = real('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
  end

  -- The number behind a decimal one of any length.
  local successor = function(text)
    local head, digit, nines = string.match(text, '^(%d-)([0-8]?)(9*)$')
    return head .. (digit == '' and 1 or digit + 1) .. string.rep('0', #nines)
  end

  -- A relative or absolute time to Redis's own deadline; nil when Redis has to reject it; true when it has passed.
  local deadline = function(text, unit, absolute)
    local time = long(text)
    if not time or time <= 0 then return nil end
    time = time * unit
    if not absolute then time = time + now end
    if (unit > 1 or not absolute) and time >= 9223372036854775808 then return nil end
    if time <= now then return true end
    return format('%.0f', math.min(time + @SHIFT@, 9223372036854774784))
  end
  local with_time = function(first)
    local i, w, kept, conditional, nx, get
    local k = first
    while k <= count do
      local option = word(k)
      if k < count and (option == 'ex' or option == 'px' or option == 'exat' or option == 'pxat') then
        kept = kept or i
        i, w = k, option
        k = k + 1
      elseif option == 'ifeq' or option == 'ifne' or option == 'ifdeq' or option == 'ifdne' then
        conditional = true
        k = k + 1
      end
      kept = kept or option == 'keepttl' or option == 'persist'
      nx = nx or option == 'nx'
      get = get or option == 'get'
      k = k + 1
    end
    -- With another time, or the old one, it is an error by any clock.
    if not i or kept then return real(name, unpack(a)) end
    local at = deadline(a[i + 1], (w == 'ex' or w == 'exat') and 1000 or 1, #w == 4)
    if at == nil then
      -- Rejected by any clock, in Redis's own order of checks.
      if long(a[i + 1]) and long(a[i + 1]) > 0 then a[i], a[i + 1] = 'EX', '9223372036854775807' end
      return real(name, unpack(a))
    end
    if at ~= true then
      a[i], a[i + 1] = 'PXAT', at
      return real(name, unpack(a))
    end
    if conditional then
      -- What became of it only Redis knows, which ends the key when it comes upon it.
      a[i], a[i + 1] = 'PXAT', '1'
      return real(name, unpack(a))
    end
    -- Already over: what it does without, and then the key goes.
    table.remove(a, i)
    table.remove(a, i)
    local r = real(name, unpack(a))
    if not failed(r) and not (nx and (get and r or not get and not r)) then real('PEXPIREAT', a[1], '1') end
    return r
  end

  if c == 'set' then return with_time(3) end
  if c == 'getex' then return with_time(2) end
  if c == 'setex' or c == 'psetex' then
    local at = count == 3 and deadline(a[2], c == 'setex' and 1000 or 1, false)
    if at then return real('SET', a[1], a[3], 'PXAT', at) end
    if count == 3 and at == nil and (long(a[2]) or 0) > 0 then a[2] = '9223372036854775807' end
    return real(name, unpack(a))
  end
  if c == 'expireat' or c == 'pexpireat' then
    local at = deadline(a[2], c == 'expireat' and 1000 or 1, true)
    if at == nil then
      -- Long ago by any clock, or too late by any: for Redis 6.2, which multiplies first, a number that becomes less than zero.
      if (long(a[2]) or 0) > 0 then a[2] = '9223372036854775807' end
      return real(name, unpack(a))
    end
    if at == true then
      a[2] = '1'
      return real('PEXPIREAT', unpack(a))
    end
    a[2] = at
    return real('PEXPIREAT', unpack(a))
  end
  if c == 'restore' then
    local packed = a[3] and string.byte(a[3]) or 0
    if packed > 21 and packed < 26 then return error_reply("@FIELDS_REFUSED@") end
    local absolute = false
    for i = 4, count do absolute = absolute or word(i) == 'absttl' end
    if a[2] ~= '0' and long(a[2]) and long(a[2]) > 0 then
      local at = deadline(a[2], 1, absolute)
      if at == nil then
        a[2] = '-1'
      else
        a[2] = at == true and '1' or at
        if not absolute then a[count + 1] = 'ABSTTL' end
        local r = real(name, unpack(a))
        if at == true and not failed(r) then real('PEXPIREAT', a[1], '1') end
        return r
      end
    end
    return real(name, unpack(a))
  end
  if c == 'ttl' or c == 'pttl' or c == 'expiretime' or c == 'pexpiretime' then
    if count ~= 1 then return real(name, unpack(a)) end
    local at
    if R.REDIS_VERSION_NUM or #c > 4 then
      at = real('PEXPIRETIME', a[1])
    else
      -- Redis 6.2 tells how much time is left by its own clock: the deadline is known if that stood still meanwhile.
      local asked
      repeat
        asked = millis()
        at = real('PTTL', a[1])
      until millis() == asked
      if type(at) == 'number' and at >= 0 then at = at + asked end
    end
    if type(at) ~= 'number' or at < 0 then return at end
    -- Later ones Lua does not have exactly, and which it has instead would depend on the clock of the node.
    at = math.min(at, 9007199254740992) - @SHIFT@
    if at <= now then return -2 end
    if c == 'pexpiretime' then return at end
    if c == 'pttl' then return at - now end
    return math.floor(((c == 'ttl' and at - now or at) + 500) / 1000)
  end

  if c == 'smembers' or c == 'sunion' or c == 'sinter' or c == 'sdiff' then
    local r = ask(name, unpack(a))
    return failed(r) and r or as_set(sorted(r))
  end
  if c == 'keys' or c == 'hkeys' then
    local r = ask(name, unpack(a))
    return failed(r) and r or sorted(r)
  end
  if (c == 'hgetall' or c == 'hvals') and count == 1 then
    local r = ask('HGETALL', a[1])
    if failed(r) then return r end
    local keys, values = pairs_of(r)
    if c == 'hgetall' then return as_map(keys, values) end
    for i = 1, #keys do keys[i] = values[keys[i]] end
    return keys
  end
  if c == 'scan' or c == 'sscan' or c == 'hscan' or c == 'zscan' then
    -- A cursor is a place in the hash table of one node. All comes at once, in order.
    local at = c == 'scan' and 1 or 2
    local start = a[at]
    if start ~= '' and not find(start or '-', '^[%+%-]?%d+$') then return real(name, unpack(a)) end
    local found, seen, values = {}, {}, {}
    a[at] = '0'
    local step = (c == 'hscan' or c == 'zscan') and 2 or 1
    for k = at + 1, count do
      -- A pattern may be called so as well; Redis 7.0 knows neither.
      local w = word(k - 1) ~= 'match' and word(k)
      if w == 'novalues' or w == 'noscores' then step = 1 end
    end
    repeat
      local r = ask(name, unpack(a))
      if failed(r) then return r end
      a[at] = r[1]
      for i = 1, #r[2], step do
        local member = r[2][i]
        if not seen[member] then found[#found + 1] = member end
        seen[member] = true
        values[member] = r[2][i + 1]
        if c == 'zscan' and step == 2 then
          -- A skiplist's score is written in another way than a listpack's.
          values[member] = unsigned(format('%.17g', tonumber(values[member])))
        end
      end
    until a[at] == '0'
    if find(start, '[1-9]') then found = {} end
    sorted(found)
    if step == 2 then
      local flat = {}
      for i = 1, #found do flat[2 * i - 1] = found[i] flat[2 * i] = values[found[i]] end
      found = flat
    end
    return {'0', found}
  end
  if c == 'randomkey' and count == 0 then
    local keys = ask('KEYS', '*')
    return #keys == 0 and null() or sorted(keys)[random(#keys)]
  end
  if c == 'spop' and (count == 1 or count == 2) then
    local wanted = long(a[2])
    if count == 2 and (not wanted or wanted < 0) then
      return error_reply('ERR value is out of range, must be positive')
    end
    local members = ask('SMEMBERS', a[1])
    if failed(members) then return members end
    sorted(members)
    if count == 1 then
      if #members == 0 then return null() end
      local member = members[random(#members)]
      real('SREM', a[1], member)
      return member
    end
    local popped = {}
    while #popped < wanted and #members > 0 do
      local i = random(#members)
      popped[#popped + 1] = members[i]
      members[i] = members[#members]
      members[#members] = nil
    end
    for i = 1, #popped, 1000 do real('SREM', a[1], unpack(popped, i, math.min(i + 999, #popped))) end
    return as_set(popped)
  end
  if (c == 'srandmember' or c == 'hrandfield' or c == 'zrandmember') and count > 0 then
    local wanted = long(a[2])
    local option = word(3)
    local with = c == 'hrandfield' and option == 'withvalues' or c == 'zrandmember' and option == 'withscores'
    if count > 3 or count == 3 and not with then return error_reply('ERR syntax error') end
    if count > 1 and not wanted then return error_reply('ERR value is not an integer or out of range') end
    if wanted == -9223372036854775808 then
      return error_reply('ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807')
    end
    if with and math.abs(wanted) >= 4611686018427387904 then return error_reply('ERR value is out of range') end
    local names, values, flat
    if c == 'srandmember' then
      names = ask('SMEMBERS', a[1])
    elseif c == 'hrandfield' then
      flat = ask('HGETALL', a[1])
    else
      flat = unsigned(ask('ZRANGE', a[1], '0', '-1', 'WITHSCORES'))
    end
    if failed(names or flat) then return names or flat end
    if names then sorted(names) else names, values = pairs_of(flat) end
    if count == 1 then return #names == 0 and null() or names[random(#names)] end
    local picked = {}
    if wanted < 0 then
      for i = 1, #names == 0 and 0 or -wanted do picked[i] = names[random(#names)] end
    else
      while #picked < wanted and #names > 0 do
        local i = random(#names)
        picked[#picked + 1] = names[i]
        names[i] = names[#names]
        names[#names] = nil
      end
    end
    if not with then return picked end
    local r = {}
    for i = 1, #picked do
      local value = values[picked[i]]
      if resp == 2 then
        r[2 * i - 1] = picked[i]
        r[2 * i] = value
      else
        r[i] = {picked[i], c == 'zrandmember' and {double = tonumber(value)} or value}
      end
    end
    return r
  end
  if c == 'sort' or c == 'sort_ro' then
    -- By numbers, elements of the same weight have an order. By texts they come as they stand in a hash table.
    -- What is no option Redis rejects.
    local alpha, by, unsorted, descending, to
    local first, most, gets, i = 0, -1, {}, 2
    while i <= count do
      local w, value = word(i), a[i + 1]
      if w == 'asc' or w == 'desc' then
        descending = w == 'desc'
      elseif w == 'alpha' then
        alpha = true
      elseif w == 'limit' and long(value) and long(a[i + 2]) then
        first, most = long(value), long(a[i + 2])
        i = i + 2
      elseif value and (w == 'by' or w == 'get' or w == 'store' and c == 'sort') then
        if w == 'by' then
          by = value
          unsorted = unsorted or not find(value, '*', 1, true)
        end
        if w == 'get' then gets[#gets + 1] = value end
        if w == 'store' then to = value end
        i = i + 1
      else
        return real(name, unpack(a))
      end
      i = i + 1
    end
    if not alpha and not unsorted then
      -- Redis takes a number to be out of range if the process has met one before, in whatever command (errno of strtod).
      -- Its parser of coordinates begins with none.
      local none = ''
      for _ = 1, 100 do
        -- A key of another type is rejected before.
        if not failed(real('GEOSEARCH', none, 'FROMLONLAT', '0', '0', 'BYRADIUS', '1', 'm')) then break end
        none = none .. '\0'
      end
      return real(name, unpack(a))
    end
    -- A set is not left unsorted: Redis sorts it by texts then.
    local kind = real('TYPE', a[1]).ok
    if kind ~= 'set' and (kind ~= 'zset' or unsorted) then return real(name, unpack(a)) end
    if unsorted or not by then
      -- Different texts are the same to Redis up to a zero byte, unless it stores them.
      local members, ties = to and {} or ask(unpack(kind == 'set' and {'SMEMBERS', a[1]} or {'ZRANGE', a[1], '0', '-1'}))
      for k = 1, #members do ties = ties or find(members[k], '\0', 1, true) end
      if not ties then return real(name, unpack(a)) end
      by = '#'
    end
    if #gets == 0 then gets[1] = '#' end
    local question = {a[1], 'BY', 'nosort', 'GET', '#', 'GET', by}
    for k = 1, #gets do
      question[#question + 1] = 'GET'
      question[#question + 1] = gets[k]
    end
    local r = ask(name, unpack(question))
    if failed(r) then return r end
    local less = before or function(x, y) return x < y end
    local rows, width = {}, #gets + 2
    for k = 1, #r, width do rows[#rows + 1] = k end
    table.sort(rows, function(x, y)
      local p, q = r[x + 1], r[y + 1]
      if p == q then return less(r[x], r[y]) end
      if descending then p, q = q, p end
      return not p or q and less(p, q)
    end)
    local found = {}
    first = math.max(first, 0)
    for k = first + 1, most < 0 and #rows or math.min(first + most, #rows) do
      for column = 2, width - 1 do found[#found + 1] = r[rows[k] + column] end
    end
    if to then
      for k = 1, #found do found[k] = found[k] or '' end
      real('DEL', to)
      for k = 1, #found, 1000 do real('RPUSH', to, unpack(found, k, math.min(k + 999, #found))) end
      return #found
    end
    if resp == 3 then
      for k = 1, #found do found[k] = found[k] or nil end
    end
    return found
  end
  if lex then
    -- Redis finds its way by the order of texts, which members with several scores do not have: what it comes upon
    -- depends on how the node keeps them. All that lie in the range are one of the outcomes that it allows.
    local at = c == 'zrangestore' and 2 or 1
    local ranged = c == 'zrange' or c == 'zrangestore'
    if count < at + 2 then return real(name, unpack(a)) end
    local key, min, max = a[at], a[at + 1], a[at + 2]
    local low, high = ask('ZRANGE', key, '0', '0', 'WITHSCORES'), ask('ZRANGE', key, '-1', '-1', 'WITHSCORES')
    if failed(low) or tonumber(low[2]) == tonumber(high[2]) then return real(name, unpack(a)) end
    local reverse, first, most, i = c == 'zrevrangebylex', 0, -1, at + 3
    while i <= count do
      local w = word(i)
      if w == 'limit' and long(a[i + 1]) and long(a[i + 2]) and c ~= 'zlexcount' and c ~= 'zremrangebylex' then
        first, most = long(a[i + 1]), long(a[i + 2])
        i = i + 3
      elseif ranged and (w == 'bylex' or w == 'rev') then
        reverse = reverse or w == 'rev'
        i = i + 1
      else
        -- No option: Redis says so.
        return real(name, unpack(a))
      end
    end
    if reverse then min, max = max, min end
    if failed(ask('ZLEXCOUNT', key, min, max)) then return real(name, unpack(a)) end
    local members, scores = pairs_of(ask('ZRANGE', key, '0', '-1', 'WITHSCORES'))
    -- Whether it may write now is Redis's to say.
    if c == 'zremrangebylex' then
      local r = real(name, key, '+', '-')
      if failed(r) then return r end
    elseif c == 'zrangestore' then
      local r = real(name, unpack(a))
      if failed(r) then return r end
    end
    local less, sub = before or function(x, y) return x < y end, string.sub
    local above = function(member)
      if min == '-' or min == '+' then return min == '-' end
      local bound = sub(min, 2)
      return sub(min, 1, 1) == '[' and not less(member, bound) or less(bound, member)
    end
    local below = function(member)
      if max == '-' or max == '+' then return max == '+' end
      local bound = sub(max, 2)
      return sub(max, 1, 1) == '[' and not less(bound, member) or less(member, bound)
    end
    local found, from, to, step = {}, 1, #members, 1
    if reverse then from, to, step = to, from, -1 end
    for k = from, to, step do
      if above(members[k]) and below(members[k]) then
        if first > 0 then
          first = first - 1
        elseif first == 0 and most ~= 0 then
          found[#found + 1] = members[k]
          most = most - 1
        end
      end
    end
    if c == 'zremrangebylex' then
      for k = 1, #found, 1000 do real('ZREM', key, unpack(found, k, math.min(k + 999, #found))) end
    elseif c == 'zrangestore' then
      real('DEL', a[1])
      for k = 1, #found do real('ZADD', a[1], scores[found[k]], found[k]) end
    elseif c ~= 'zlexcount' then
      return found
    end
    return #found
  end
  if c == 'geosearchstore' or c == 'georadius' or c == 'georadiusbymember' or c == 'geosearch'
    or c == 'georadius_ro' or c == 'georadiusbymember_ro' then
    -- ANY takes what is found first, which is not promised: the nearest are one of the outcomes that it allows.
    local i, any, counted = c == 'geosearchstore' and 3 or c == 'geosearch' and 2 or 5
    while i <= count do
      local w = word(i)
      if w == 'any' then any = {i, any} end
      counted = counted or w == 'count'
      i = i + ((w == 'frommember' or w == 'count' or w == 'store' or w == 'storedist') and 2 or 1)
    end
    -- The last one first.
    while any and counted do
      table.remove(a, any[1])
      any = any[2]
    end
    return real(name, unpack(a))
  end
  if c == 'xadd' or c == 'xtrim' then
    local b, i, by, mark, threshold, limit, twice = {a[1]}, 2
    while i <= count do
      local w = word(i)
      if (w == 'maxlen' or w == 'minid') and i < count then
        by, twice = w, by
        i = i + 1
        if a[i] == '~' or a[i] == '=' then
          mark = a[i]
          i = i + 1
        end
        threshold = a[i]
        i = i + 1
      elseif w == 'limit' and i < count then
        limit = a[i + 1]
        i = i + 2
      elseif w == 'nomkstream' or w == 'keepref' or w == 'delref' or w == 'acked' then
        b[#b + 1] = a[i]
        i = i + 1
      else
        break
      end
    end
    -- What Redis rejects it may see as it is.
    if twice then return real(name, unpack(a)) end
    if mark == '~' then
      local bytes = 0
      for k = i + 1, c == 'xadd' and count or 0 do bytes = bytes + #a[k] end
      threshold = exactly(a[1], by, threshold, limit, c == 'xadd' and bytes)
      if threshold == false then return real(name, unpack(a)) end
      mark, limit = '=', nil
    end
    if threshold then
      b[#b + 1] = by
      b[#b + 1] = mark or '='
      b[#b + 1] = threshold
    end
    if limit then
      b[#b + 1] = 'limit'
      b[#b + 1] = limit
    end
    local id = c == 'xadd' and a[i] and #b + 1
    while i <= count do b[#b + 1] = a[i] i = i + 1 end
    if not id or b[id] ~= '*' then return real(name, unpack(b)) end
    b[id] = clock .. (R.REDIS_VERSION_NUM and '-*' or '-0')
    local r = real(name, unpack(b))
    -- Redis says 'too large' as well when there is no next number within the millisecond.
    if not failed(r) or not find(r.err, 'equal or smaller', 1, true) and not find(r.err, 'too large', 1, true) then
      return r
    end
    -- The stream is ahead of the clock, or at it: what follows its last ID.
    local info = ask('XINFO', 'STREAM', a[1])
    if failed(info) then return info end
    for k = 1, #info, 2 do
      if info[k] == 'last-generated-id' then
        local ms, seq = string.match(info[k + 1], '^(%d+)%-(%d+)$')
        if seq == '18446744073709551615' then
          b[id] = successor(ms) .. '-0'
        else
          b[id] = ms .. '-' .. successor(seq)
        end
      end
    end
    return real(name, unpack(b))
  end

  if c == 'xreadgroup' or c == 'xclaim' or c == 'xautoclaim' or c == 'xpending' then
    -- When an entry was delivered is kept earlier by @EARLIER@ ms, so that no node's clock is behind it: Redis would take its
    -- own then. What is in the last half of that came out of no log (an RDB, RESTORE), and is what it says.
    local kept = function(at) return format('%.0f', math.max(at - @EARLIER@, 0)) end
    local idle = function(at)
      if at < now - @EARLIER@ / 2 then at = at + @EARLIER@ end
      return math.max(now - at, 0)
    end
    -- When Redis has it that the pending entries of a group were delivered.
    local deliveries = function(key, group)
      local fields = function(flat)
        local r = {}
        for k = 1, #flat, 2 do r[flat[k]] = flat[k + 1] end
        return r
      end
      local groups, at = fields(ask('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0')).groups, {}
      for k = 1, #groups do
        local g = fields(groups[k])
        for e = 1, g.name == group and #g.pending or 0 do at[g.pending[e][1]] = g.pending[e][3] end
      end
      return at
    end
    -- XPENDING in its long form, with idle times by the entry's clock. Redis tells them by its own: when the entry was delivered
    -- is known if that stood still meanwhile. So it is asked for a few at a time.
    local page, stored = 50
    local pending = function(...)
      while true do
        local before = millis()
        local r = ask('XPENDING', ...)
        if failed(r) then return r end
        if millis() == before then
          for i = 1, #r do
            local at = before - r[i][3]
            if r[i][3] == 0 then
              -- Just now by this node's clock, or later, which only this tells: of all there is.
              stored = stored or deliveries(a[1], a[2])
              at = stored[r[i][1]]
            end
            r[i][3] = idle(at)
          end
          return r
        end
      end
    end
    local is_id = function(text) return text and find(text, '^%d+$') or text and find(text, '^%d+%-%d+$') end
    local gone = function(id) return R.REDIS_VERSION_NUM and #ask('XRANGE', a[1], id, id) == 0 end

    if c == 'xreadgroup' then
      local i, group, consumer, noack, first = 1
      while i <= count and not first do
        local w = word(i)
        if w == 'group' then
          group, consumer = a[i + 1], a[i + 2]
          i = i + 3
        elseif w == 'count' or w == 'block' then
          i = i + 2
        elseif w == 'noack' then
          noack = true
          i = i + 1
        elseif w == 'streams' then
          first = i + 1
        else
          return error_reply('ERR syntax error')
        end
      end
      -- Redis touches no pending entry when it gives out new ones that nobody has to acknowledge.
      local untouched, half = {}, first and (count - first + 1) / 2 or 0
      if noack and half % 1 == 0 then
        for k = first, first + half - 1 do untouched[a[k]] = untouched[a[k]] or a[k + half] == '>' end
        for k = first, first + half - 1 do
          if untouched[a[k]] and a[k + half] ~= '>' then
            return error_reply('ERR XREADGROUP is refused: with NOACK, one stream is not read for new and for pending entries')
          end
        end
      end
      -- A consumer that finds nothing is not written into an append-only file, unless it is made by itself.
      if half == 1 and is_id(a[first + 1]) then real('XGROUP', 'CREATECONSUMER', a[first], group, consumer) end
      local r = ask(name, unpack(a))
      if type(r) ~= 'table' then return null() end
      if r.err then return r end
      -- Delivered now, by the entry's clock.
      for k = 1, #r do
        local claim = {r[k][1], group, consumer, '0'}
        local entries = untouched[r[k][1]] and {} or r[k][2]
        for e = 1, #entries do
          if entries[e][2] then claim[#claim + 1] = entries[e][1] end
          if #claim > 4 and (#claim > 500 or e == #entries) then
            claim[#claim + 1] = 'TIME'
            claim[#claim + 1] = kept(now)
            claim[#claim + 1] = 'JUSTID'
            real('XCLAIM', unpack(claim))
            claim = {r[k][1], group, consumer, '0'}
          end
        end
      end
      if resp == 2 then return r end
      local map = {}
      for k = 1, #r do map[r[k][1]] = r[k][2] end
      return {map = map}
    end

    if c == 'xclaim' then
      local option = 5
      while is_id(a[option]) do option = option + 1 end
      local b, at = {a[1], a[2], a[3], '0'}, now
      for i = 5, option - 1 do b[i] = a[i] end
      local i = option
      while i <= count do
        local w = word(i)
        if w == 'force' or w == 'justid' then
          b[#b + 1] = a[i]
          i = i + 1
        elseif i < count and (w == 'retrycount' or w == 'lastid') then
          b[#b + 1] = a[i]
          b[#b + 1] = a[i + 1]
          i = i + 2
        elseif i < count and (w == 'idle' or w == 'time') then
          at = long(a[i + 1])
          if not at then
            b[#b + 1] = a[i]
            b[#b + 1] = '-'
            return real(name, unpack(b))
          end
          if w == 'idle' then at = now - at end
          if at < 0 or at > now then at = now end
          i = i + 2
        else
          return error_reply("ERR Unrecognized XCLAIM option '" .. a[i] .. "'")
        end
      end
      local least = long(a[4])
      if not least then b[4] = '-' end
      local claimed = {}
      for i = 5, least and least > 0 and option - 1 or 0 do
        local id = find(a[i], '-', 1, true) and a[i] or a[i] .. '-0'
        local p = pending(a[1], a[2], id, id, '1')
        if failed(p) then break end
        if #p > 0 then id = p[1][1] end
        -- Not long enough: an ID that never is. What is not in the stream any more goes from the list nevertheless.
        if (claimed[id] and now - at < least or #p > 0 and p[1][3] < least) and not gone(id) then b[i] = '0-0' end
        claimed[id] = true
      end
      b[#b + 1] = 'TIME'
      b[#b + 1] = kept(at)
      -- In RESP2: nulls of Redis 6.2 for what is gone would end a table in RESP3.
      return ask(name, unpack(b))
    end

    if c == 'xautoclaim' then
      local left, justid, i = 100, nil, 6
      while i <= count do
        if word(i) == 'count' and i < count then
          left = long(a[i + 1])
          i = i + 2
        elseif word(i) == 'justid' then
          justid = 'JUSTID'
          i = i + 1
        else
          return error_reply('ERR syntax error')
        end
      end
      -- Redis checks the arguments, and does what it does when there is nothing to claim.
      local start = a[5]
      local last = '18446744073709551615-18446744073709551615'
      if start == '-' or start == '+' or start and (is_id(start) or is_id(start:match('^%((.*)'))) then a[5] = last end
      -- How much it may claim Redis makes room for at once, if the node has the memory.
      local probe = {unpack(a)}
      for k = 6, count - 1 do
        if word(k) == 'count' and left and left > 0 and left < 5e17 then probe[k + 1] = '1' end
      end
      local shape = ask(name, unpack(probe))
      if failed(shape) or a[5] ~= last then return shape end
      local least, attempts = long(a[4]), left * 10
      local from, cursor, claimed, deleted = start, nil, {}, {}
      repeat
        local p = pending(a[1], a[2], from, '+', page)
        if failed(p) then return p end
        for k = 1, #p do
          local id = p[k][1]
          if attempts == 0 or left == 0 then
            cursor = id
            break
          end
          attempts = attempts - 1
          from = '(' .. id
          local r = {}
          if gone(id) then
            real('XACK', a[1], a[2], id)
            deleted[#deleted + 1] = id
            left = left - 1
          elseif p[k][3] >= least then
            if justid then
              r = ask('XCLAIM', a[1], a[2], a[3], '0', id, 'TIME', kept(now), justid)
            else
              r = ask('XCLAIM', a[1], a[2], a[3], '0', id, 'TIME', kept(now))
            end
            if failed(r) then return r end
            claimed[#claimed + 1] = r[1]
            left = left - 1
          end
        end
      until cursor or #p < page
      return {cursor or '0-0', claimed, #shape > 2 and deleted or nil}
    end

    if count == 2 then return real(name, unpack(a)) end
    -- The arguments are checked by Redis.
    local at = word(3) == 'idle' and 5 or 3
    local b = {unpack(a)}
    if long(a[at + 2]) then b[at + 2] = '0' end
    local r = real(name, unpack(b))
    if failed(r) then return r end
    local least, left, found = at == 5 and long(a[4]) or 0, long(a[at + 2]), {}
    local from = a[at]
    while left > 0 do
      local size = least > 0 and page or math.min(page, left)
      local p
      if a[at + 3] then
        p = pending(a[1], a[2], from, a[at + 1], size, a[at + 3])
      else
        p = pending(a[1], a[2], from, a[at + 1], size)
      end
      if failed(p) then return p end
      for k = 1, #p do
        if left > 0 and p[k][3] >= least then
          found[#found + 1] = p[k]
          left = left - 1
        end
        from = '(' .. p[k][1]
      end
      if #p < size then break end
    end
    return found
  end

  if c == 'select' then
    if long(a[1]) == @RESERVED@ then return error_reply('ERR DB index is out of range') end
    local r = real(name, unpack(a))
    if not failed(r) then source = string.gsub(source, ':%d+', ':' .. a[1], 1) end
    return r
  end
  if c == 'move' or c == 'swapdb' or c == 'copy' then
    local reserved = c == 'move' and long(a[2]) == @RESERVED@
      or c == 'swapdb' and (long(a[1]) == @RESERVED@ or long(a[2]) == @RESERVED@)
    for i = 3, c == 'copy' and count or 0 do
      reserved = reserved or word(i) == 'db' and long(a[i + 1]) == @RESERVED@
    end
    if reserved then return error_reply('ERR DB index is out of range') end
    return real(name, unpack(a))
  end
  if c == 'flushall' then
    local selected = string.match(source, '^%d+:(%d+)')
    if count > 1 or count == 1 and word(1) ~= 'sync' and word(1) ~= 'async' then
      return error_reply('ERR syntax error')
    end
    local r
    for i = 0, @RESERVED@ - 1 do
      real('SELECT', i)
      r = real('FLUSHDB', unpack(a))
    end
    real('SELECT', selected)
    return r
  end

  if a[1] and find('@PLAIN@', ' ' .. c .. '|' .. word(1) .. ' ', 1, true) then return real(name, ...) end
  if find('@REFUSED@', ' ' .. c .. ' ', 1, true) then
    return error_reply('ERR This Redis command is not allowed from script')
  end
  return error_reply('ERR Unknown Redis command called from script')
end

  return rare(name, ...)
end

local call = function(...)
  local r = run(...)
  if type(r) ~= 'table' or not r.err then return r end
  -- The line that Redis shows is that of the caller.
  if not redis.REDIS_VERSION_NUM then error(r.err, 0) end
  local _, where = pcall(error, '', 3)
  local shown = {source = '@@CHUNK@', line = tonumber(string.match(where, ':(%d+):')) or 1}
  setmetatable(r, {__index = shown, __newindex = function(t, k, v) if not shown[k] then rawset(t, k, v) end end})
  error(r, 0)
end
