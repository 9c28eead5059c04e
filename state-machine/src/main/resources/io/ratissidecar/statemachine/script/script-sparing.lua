-- More memory is used than may be: Redis lets a script go on until it calls what may need some, unless it has written.
if string.byte(source) == 48 then
  local needy, written = real
  real = function(name, ...)
    if not written and type(name) == 'string' then
      local c, first = string.lower(name), ...
      if c == 'xgroup' and type(first) == 'string' then c = c .. '|' .. string.lower(first) end
      c = ' ' .. c .. ' '
      if string.find('@NEEDY@', c, 1, true) then
        return {err = "@OOM@"}
      end
      written = string.find('@WRITING@', c, 1, true)
    end
    return needy(name, ...)
  end
end
