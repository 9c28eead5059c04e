-- Ends the prelude of a script that uses nothing of redis but call and pcall.
return {call = call, pcall = run}
end)()
