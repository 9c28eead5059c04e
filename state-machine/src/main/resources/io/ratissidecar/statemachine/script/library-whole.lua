-- For any library.
-- What the main function says it has said when the library was loaded.
local log = function(...)
  if not wanted then return redis.log(...) end
end
local fresh = function()
  local own = {call = call, pcall = run, setresp = setresp, set_repl = set_repl, log = log, register_function = collect}
  setmetatable(own, {__index = redis})
  -- Empty, so that every assignment meets the real one, which Redis protects.
  return setmetatable({}, {__index = own, __newindex = redis, __metatable = false})
end
