-- In a script that can reach cjson. Its settings, too, are left over from what this Redis ran before, on this node alone if
-- that was a read: these are the ones that Redis starts with.
cjson.encode_number_precision(14) cjson.encode_max_depth(1000) cjson.decode_max_depth(1000)
cjson.encode_sparse_array(false, 2, 10) cjson.encode_invalid_numbers(false) cjson.decode_invalid_numbers(true)
if cjson.decode_array_with_array_mt then cjson.decode_array_with_array_mt(false) end
