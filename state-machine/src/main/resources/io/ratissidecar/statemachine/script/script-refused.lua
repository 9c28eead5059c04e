-- More memory is used than may be: Redis does not begin a script that says what it does, and not that it needs none.
if string.byte(source) == 48 then error({err = "@OOM@"}) end
