-- In a script that can reach math. From where a run begins is otherwise left over from what this Redis ran before.
math.randomseed(tonumber(string.match(source, '^%d+')))
