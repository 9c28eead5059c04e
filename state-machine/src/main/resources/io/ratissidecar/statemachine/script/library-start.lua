-- The body of a library is a function, main, which runs when the library is loaded and anew with each call of one of its
-- functions: its locals would otherwise keep what this Redis ran before, be that a read on this node alone.
(function(main)
-- Set anew with each call of a function.
local clock, source, real, resp, rare
