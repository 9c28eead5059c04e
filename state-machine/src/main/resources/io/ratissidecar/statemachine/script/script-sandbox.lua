-- Behind the prelude of a script that names one of these.
local _G, load, loadstring, getfenv, setfenv, collectgarbage, gcinfo, tostring, os = (function(redis)
local G, compile, text = _G, loadstring, tostring
@SANDBOX@
end)(redis)
