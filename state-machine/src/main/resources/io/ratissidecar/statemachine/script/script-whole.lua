-- Ends the prelude of any script.
local own = setmetatable({call = call, pcall = run, setresp = setresp, set_repl = set_repl}, {__index = redis})
-- Empty, so that every assignment meets the real one, which Redis protects.
return setmetatable({}, {__index = own, __newindex = redis, __metatable = false})
end)()
