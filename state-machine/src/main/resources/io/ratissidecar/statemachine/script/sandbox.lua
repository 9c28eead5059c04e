-- Ways round the prelude, and what tells of the process and not of the data. The body of a function: G are the globals,
-- compile and text their loadstring and tostring, redis the one of the prelude.
local shadow = {redis = redis}
local globals = {}
local function refused(name)
  if rawget(G, name) then
    return function() error(name .. ' is not available in replicated scripts', 2) end
  end
end
-- Valkey's other name for it.
shadow.server = rawget(G, 'server') and redis
local absent = setmetatable({}, {__index = function()
  error("Script attempted to access nonexistent global variable 'server'", 2)
end})
-- In the order of @NAMES@.
local function named()
  return shadow._G, shadow.load, shadow.loadstring, shadow.getfenv, shadow.setfenv, shadow.collectgarbage, shadow.gcinfo,
    shadow.tostring, shadow.os, shadow.getmetatable, shadow.setmetatable, shadow.newproxy, shadow.server or absent
end
-- Addresses differ from run to run.
shadow.tostring = function(...)
  local v = ...
  local t = type(v)
  if t == 'table' or t == 'function' or t == 'thread' or t == 'userdata' then
    local meta = getmetatable(v)
    if type(meta) ~= 'table' or not rawget(meta, '__tostring') then return t .. ': 0x0' end
  end
  return text(...)
end
-- What is compiled here would see the globals: it is compiled inside a function that has these names for its own.
shadow.loadstring = function(code, ...)
  local plain, problem = compile(code, ...)
  if not plain then return nil, problem end
  local open = compile('local redis, @NAMES@ = ... return function(...) ' .. code .. '\nend', ...)
  if not open then return nil, 'this chunk is not available in replicated scripts' end
  return open(shadow.redis, named())
end
shadow.load = function(reader, ...)
  local parts = {}
  repeat
    local part = reader()
    parts[#parts + 1] = part
  until not part or part == ''
  return shadow.loadstring(table.concat(parts), ...)
end
shadow.getfenv = refused('getfenv')
shadow.setfenv = refused('setfenv')
shadow.collectgarbage = function() return 0 end
shadow.gcinfo = function() return 0 end
-- Strings have one for all scripts, which not every Redis protects.
shadow.getmetatable = function(...)
  local meta = getmetatable(...)
  if type(...) ~= 'string' then return meta end
  return setmetatable({}, {__index = meta, __newindex = G, __metatable = false})
end
-- What a weak table still holds, and when a proxy goes, would tell of the collector. Within one run a strong one does as well.
shadow.setmetatable = function(...)
  local changed, meta = ...
  if type(meta) == 'table' and rawget(meta, '__mode') then rawset(meta, '__mode', nil) end
  local done, result = pcall(setmetatable, ...)
  if done then return result end
  local readonly = 'Attempt to modify a readonly table'
  local protected = result == 'cannot change a protected metatable' and (changed == globals or changed == redis)
  if protected or result == readonly then error(readonly, 0) end
  error(string.gsub(result, "'%?'", "'setmetatable'", 1), 2)
end
shadow.newproxy = refused('newproxy')
shadow.os = rawget(G, 'os') and {clock = function() return 0 end}
for k, v in pairs(shadow) do globals[k] = v end
globals._G = globals
setmetatable(globals, {__index = G, __newindex = G, __metatable = setmetatable({}, {__newindex = G, __metatable = false})})
shadow._G = globals
return named()
