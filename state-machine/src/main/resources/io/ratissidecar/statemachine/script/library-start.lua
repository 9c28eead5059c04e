-- While a library is loaded there is nothing but redis, and that can't call: the rest is made with the first call.
local redis__globals = function() return _G, loadstring, tostring end
local _G, load, loadstring, getfenv, setfenv, collectgarbage, gcinfo, tostring, os
local redis = (function(globals)
-- Set anew with each call of a function.
local clock, source, real, resp, rare
