-- For a library that names one of these.
local sandbox = function(G, compile, text, redis)
@SANDBOX@
end
