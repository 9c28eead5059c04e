local redis = (function()
-- The local is not in scope before its declaration ends: in here it is the global. Locals that closures share cost as much
-- as the closures: there are few.
local clock, source = ARGV[#ARGV - 1], ARGV[#ARGV]
ARGV[#ARGV] = nil
ARGV[#ARGV] = nil
local real, resp, rare = redis.pcall, 2
-- Redis 6.2 lets a script write behind commands that are random to it, XADD among them, only after this.
if not redis.REDIS_VERSION_NUM then redis.replicate_commands() end
