-- Ends the prelude of any script.
local setresp = function(...)
  redis.setresp(...)
  resp = ...
end
return setmetatable({call = call, pcall = run, setresp = setresp}, {__index = redis, __newindex = redis, __metatable = false})
end)()
