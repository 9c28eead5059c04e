-- A library that uses nothing of redis but call, pcall and register_function can't change the table that they are in.
local api = {call = call, pcall = run, register_function = collect}
local fresh = function() return api end
