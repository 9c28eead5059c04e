-- For scripts and libraries that use more of redis than call and pcall.
local setresp = function(...)
  redis.setresp(...)
  resp = ...
end
-- What a node's append-only file or replicas lack it would lack once it is loaded from them.
local set_repl = function(...)
  redis.set_repl(...)
  redis.set_repl(redis.REPL_ALL)
end
