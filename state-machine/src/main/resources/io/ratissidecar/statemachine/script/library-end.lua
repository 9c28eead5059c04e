-- Ends the prelude of a library. Its functions get the clock and the seed as their last two arguments.
local sandbox = function(G, compile, text, redis)
@SANDBOX@
end
local shadow = {
  log = redis.log, LOG_DEBUG = redis.LOG_DEBUG, LOG_VERBOSE = redis.LOG_VERBOSE, LOG_NOTICE = redis.LOG_NOTICE,
  LOG_WARNING = redis.LOG_WARNING, REDIS_VERSION = redis.REDIS_VERSION, REDIS_VERSION_NUM = redis.REDIS_VERSION_NUM
}
local complete
complete = function()
  local own = {call = call, pcall = run}
  own.setresp = function(...)
    redis.setresp(...)
    resp = ...
  end
  local real_globals, compile, text = globals()
  _G, load, loadstring, getfenv, setfenv, collectgarbage, gcinfo, tostring, os = sandbox(real_globals, compile, text, shadow)
  -- Empty, so that every assignment meets the real one, which Redis protects.
  for name in pairs(shadow) do shadow[name] = nil end
  setmetatable(own, {__index = redis})
  setmetatable(shadow, {__index = own, __newindex = redis, __metatable = false})
  complete = nil
end
local enter = function(callback)
  return function(keys, args)
    if complete then complete() end
    clock, source = args[#args - 1], args[#args]
    if not source or not string.find(source, '^%d+:%d+$') then
      error('this function is replicated: call it with RAFT FCALL', 0)
    end
    args[#args] = nil
    args[#args] = nil
    real, resp, rare = redis.pcall, 2, nil
    math.randomseed(tonumber(string.match(source, '^%d+')))
    return callback(keys, args)
  end
end
-- Named arguments are found in any case by Redis. Without pairs all spellings are tried.
local wrap_callbacks = function(named)
  for i = 0, 255 do
    local name, bit = '', 1
    for letter in ('callback'):gmatch('.') do
      name = name .. (i % (2 * bit) >= bit and letter:upper() or letter)
      bit = 2 * bit
    end
    if named[name] then named[name] = enter(named[name]) end
  end
end
shadow.register_function = function(...)
  local first, callback = ...
  if callback ~= nil then
    return (function(_, _, ...) return redis.register_function(first, enter(callback), ...) end)(...)
  end
  if first then wrap_callbacks(first) end
  return redis.register_function(...)
end
-- The error that Redis has for what is not there while a library is loaded.
shadow.call = function() return redis.call end
shadow.pcall = function() return redis.pcall end
shadow.setresp = function() return redis.setresp end
shadow.set_repl = function() return redis.set_repl end
return shadow
end)(redis__globals)
redis__globals = nil
