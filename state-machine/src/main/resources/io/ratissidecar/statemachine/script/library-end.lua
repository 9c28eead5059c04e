-- Ends the prelude of a library. Its functions get the clock and the seed as their last two arguments.
local wanted, count, callback, needs_nothing
-- The main function registers in the same order each time. In a function there is no register_function, so says Redis.
local collect = function(first, second)
  if not wanted then error("attempt to call field 'register_function' (a nil value)", 2) end
  count = count + 1
  if count ~= wanted then return end
  callback, needs_nothing = second, false
  if second ~= nil then return end
  for name, value in pairs(first) do
    name = string.lower(name)
    if name == 'callback' then callback = value end
    for i = 1, name == 'flags' and #value or 0 do
      local flag = string.lower(value[i])
      needs_nothing = needs_nothing or flag == 'allow-oom' or flag == 'no-writes'
    end
  end
end
@FRESH@
local enter = function(place)
  return function(keys, args)
    local size = #args
    clock, source = args[size - 1], args[size]
    if not source or not string.find(source, '^%d+:%d+$') then
      error('this function is replicated: call it with RAFT FCALL', 0)
    end
    args[size] = nil
    args[size - 1] = nil
    real, resp, rare = redis.pcall, 2, nil
    @LEFT_OVER@
    wanted, count, callback, needs_nothing = place, 0, nil, nil
    local shown = fresh()
    main(shown@SHADOWS@)
    wanted = nil
    if string.byte(source) == 48 and not needs_nothing then error({err = "@OOM@"}) end
    if not callback then error('the library does not register this function any more', 0) end
    return callback(keys, args)
  end
end
-- While a library is loaded there is nothing but redis, which can't call, and what strings have.
local registered = 0
-- Only a function can be dumped: of anything else this makes an error, which names what was called. So it says what Redis would.
local must_be_functions = {}
must_be_functions['second argument to redis.register_function must be a function'] = ('').dump
must_be_functions['callback argument given to redis.register_function must be a function'] = ('').dump
local second = function(callback)
  must_be_functions['second argument to redis.register_function must be a function'](callback)
  return enter(registered)
end
local named = function(callback)
  must_be_functions['callback argument given to redis.register_function must be a function'](callback)
  return enter(registered)
end
-- Named arguments are found in any case by Redis. Without pairs all spellings are tried.
local wrap_callbacks = function(arguments)
  for i = 0, 255 do
    local name, bit = '', 1
    for letter in ('callback'):gmatch('.') do
      name = name .. (i % (2 * bit) >= bit and letter:upper() or letter)
      bit = 2 * bit
    end
    if arguments[name] then arguments[name] = named(arguments[name]) end
  end
end
main({
  register_function = function(...)
    local first, callback = ...
    registered = registered + 1
    if callback ~= nil then
      return (function(_, _, ...) return redis.register_function(first, second(callback), ...) end)(...)
    end
    if first then wrap_callbacks(first) end
    return redis.register_function(...)
  end,
  log = redis.log, LOG_DEBUG = redis.LOG_DEBUG, LOG_VERBOSE = redis.LOG_VERBOSE, LOG_NOTICE = redis.LOG_NOTICE,
  LOG_WARNING = redis.LOG_WARNING, REDIS_VERSION = redis.REDIS_VERSION, REDIS_VERSION_NUM = redis.REDIS_VERSION_NUM,
  -- The error that Redis has for what is not there while a library is loaded.
  call = function() return redis.call end, pcall = function() return redis.pcall end,
  setresp = function() return redis.setresp end, set_repl = function() return redis.set_repl end
})
end)(function(redis@NAMES@, ...)
