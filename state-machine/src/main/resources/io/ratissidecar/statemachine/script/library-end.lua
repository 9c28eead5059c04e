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
  shadow.call = call
  shadow.pcall = run
  shadow.setresp = function(...)
    redis.setresp(...)
    resp = ...
  end
  shadow.register_function = nil
  local real_globals, compile, text = globals()
  _G, load, loadstring, getfenv, setfenv, collectgarbage, gcinfo, tostring, os = sandbox(real_globals, compile, text, shadow)
  setmetatable(shadow, {__index = redis, __newindex = redis, __metatable = false})
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
shadow.register_function = function(first, callback, ...)
  if callback ~= nil then return redis.register_function(first, enter(callback), ...) end
  if first and first.callback then first.callback = enter(first.callback) end
  return redis.register_function(first)
end
return shadow
end)(redis__globals)
redis__globals = nil
