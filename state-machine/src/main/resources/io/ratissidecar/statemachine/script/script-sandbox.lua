-- Behind the prelude of a script that names one of these.
local @NAMES@ = (function(redis)
local G, compile, text = _G, loadstring, tostring
@SANDBOX@
end)(redis)
