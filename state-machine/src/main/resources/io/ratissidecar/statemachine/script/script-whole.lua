-- Ends the prelude of any script.
local setresp = function(...)
  redis.setresp(...)
  resp = ...
end
local own = setmetatable({call = call, pcall = run, setresp = setresp}, {__index = redis})
-- Empty, so that every assignment meets the real one, which Redis protects.
return setmetatable({}, {__index = own, __newindex = redis, __metatable = false})
end)()
