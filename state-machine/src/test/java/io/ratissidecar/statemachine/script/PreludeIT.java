package io.ratissidecar.statemachine.script;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.command.RedisProcess;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Scripts with the prelude on two servers that hold the same data in another order: hash tables
 * with seeds of their own, filled in another order, and with clocks that no script may see.
 */
class PreludeIT {
  private static final int RESERVED = 15;

  /** What a Redis ran before must not matter. */
  private static final String BEFORE =
      "math.random(7) cjson.encode_number_precision(3) cjson.encode_sparse_array(true) "
          + "cjson.encode_max_depth(2) cjson.decode_max_depth(2) "
          + "cjson.encode_invalid_numbers(true) cjson.decode_invalid_numbers(false)";

  /** Nowhere near the clock of any machine. */
  private static final long CLOCK = 4_000_000_000_123L;

  private static final Prelude PRELUDE = Prelude.of(RESERVED, 0);
  private static final Prelude SHIFTED = Prelude.of(RESERVED, 1L << 42);

  @TempDir static Path directory;
  private static RedisProcess one;
  private static RedisProcess other;
  private long seed = 1;
  private boolean memoryIsShort;

  @BeforeAll
  static void start() throws Exception {
    one = start("one");
    other = start("other");
  }

  private static RedisProcess start(String name) throws Exception {
    return RedisProcess.start(
        Files.createDirectory(directory.resolve(name)), "--enable-debug-command", "yes");
  }

  @AfterAll
  static void stop() throws Exception {
    one.close();
    other.close();
  }

  @BeforeEach
  void fill() throws IOException {
    for (RedisProcess redis : List.of(one, other)) {
      redis.call("HELLO", "2");
      redis.call("SELECT", "0");
      redis.call("FLUSHALL");
      List<Integer> numbers = new ArrayList<>();
      for (int i = 0; i < 700; i++) {
        numbers.add(i);
      }
      Collections.shuffle(numbers, new Random(redis == one ? 1 : 2));
      List<String> set = new ArrayList<>(List.of("SADD", "set"));
      List<String> hash = new ArrayList<>(List.of("HSET", "hash"));
      List<String> zset = new ArrayList<>(List.of("ZADD", "zset"));
      for (int i : numbers) {
        set.add("member" + i);
        hash.addAll(List.of("field" + i, "value" + (999 - i)));
        zset.addAll(List.of(Integer.toString(i % 7), "member" + i));
        if (i < 20) {
          redis.call("SET", "w_member" + i, "weight" + i % 5);
          redis.call("GEOADD", "geo", "" + i % 7, "" + i % 11, i == 7 ? "any" : "place" + i);
          redis.call("SET", "key" + i, "value" + i);
          redis.call("SADD", "small", "\u00e9" + i, "A" + i, "b" + i, "_" + i);
        }
      }
      List<String> zeros = new ArrayList<>(List.of("SADD", "zeros"));
      numbers.stream().filter(i -> i < 50).forEach(i -> zeros.add(i % 5 + "\u0000" + i));
      for (List<String> command : List.of(set, hash, zset, zeros)) {
        redis.call(command.toArray(String[]::new));
      }
      redis.call("RPUSH", "list", "3", "1", "2");
      redis.call("RPUSH", "decimals", "3.5", "1.5", "2.5");
      // Once it was large, it stays what it is.
      redis.call("ZADD", "shrunk", "1796011000000000000", "a", "0.1", "b", "-inf", "c");
      for (int i = 0; i < 200 && redis == one; i++) {
        redis.call("ZADD", "shrunk", "7", "m" + i);
        redis.call("ZADD", "shrunk", "7", "m" + (199 - i));
      }
      redis.call("ZREMRANGEBYSCORE", "shrunk", "7", "7");
      redis.call("SADD", "unequal", "a", "b", "c", "d");
      redis.call("MSET", "u_a", "3", "u_b", "10", "u_c", "2");
      redis.call("XADD", "stream", "4000000000200-5", "f", "v");
      redis.call("SELECT", Integer.toString(RESERVED));
      redis.call("SET", "reserved", "value");
      redis.call("SELECT", "0");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "return redis.call('smembers', 'set')",
        "return redis.call('SMEMBERS', 'small')",
        "return redis.call('sunion', 'set', 'small')",
        "return redis.call('sdiff', 'set', 'small')",
        "return redis.call('sinter', 'set', 'set')",
        "return redis.call('hgetall', 'hash')",
        "return redis.call('hkeys', 'hash')",
        "return redis.call('hvals', 'hash')",
        "return redis.call('keys', '*')",
        "return redis.call('scan', 0)",
        "return redis.call('scan', '0', 'match', 'key1*', 'count', 3)",
        "return redis.call('scan', 0, 'type', 'hash')",
        "return redis.call('sscan', 'set', 0)",
        "return redis.call('hscan', 'hash', 0, 'match', '*7*')",
        "return redis.call('zscan', 'zset', 0)",
        "return redis.call('zscan', 'shrunk', 0)",
        "local tiny = math.exp(-800) return redis.call('sort', 'decimals')",
        "redis.call('set', '', 'x') local tiny = math.exp(-800) return redis.call('sort', 'decimals')",
        "local tiny = math.exp(-800) return redis.call('sort', 'decimals', 'desc', 'store', 'd')",
        "return redis.call('sscan', 'set', 17)",
        "return redis.call('scan', '00')",
        "return redis.call('scan', -0)",
        "return redis.call('hscan', 'hash', '')",
        "return redis.call('sscan', 'set', '+17')",
        "return redis.call('sscan', 'set', '18446744073709551615')",
        "return redis.call('randomkey')",
        "return redis.call('srandmember', 'set')",
        "return redis.call('srandmember', 'set', 10)",
        "return redis.call('srandmember', 'set', -10)",
        "return redis.call('srandmember', 'none', 3)",
        "return redis.call('hrandfield', 'hash', 5, 'withvalues')",
        "return redis.call('hrandfield', 'hash')",
        "return redis.call('zrandmember', 'zset', -5, 'withscores')",
        "return redis.call('spop', 'set')",
        "return redis.call('spop', 'set', 20)",
        "return redis.call('spop', 'set', 2000)",
        "return redis.call('spop', 'none')",
        "return {redis.call('time')[1], redis.call('time')[2]}",
        "return redis.call('xadd', 'stream', '*', 'f', 'v')",
        "return redis.call('xadd', 'fresh', '*', 'f', 'v')",
        "return redis.call('xadd', 'fresh', 'maxlen', '~', 10, 'limit', 5, '*', 'f', 'v')",
        "return redis.call('xadd', 'stream', '4000000000200-*', 'f', 'v')",
        "return redis.call('set', 'key1', 'x', 'ex', 10)",
        "return redis.call('expire', 'key1', 10)",
        "return redis.call('pexpire', 'key1', '10000', 'NX')",
        "return {redis.call('Expire', 'key1', '10'), redis.call('PExpire', 'key1', 10000, 'XX')}",
        "return redis.call('setex', 'key1', 10, 'x')",
        "return redis.call('getex', 'key1', 'px', 10)",
        "redis.call('expire', 'key1', 10) return {redis.call('ttl', 'key1'), redis.call('pttl', 'key1')}",
        "redis.call('expire', 'key1', 10) return redis.call('expiretime', 'key1')",
        "return redis.call('expireat', 'key1', 1)",
        "return redis.call('expireat', 'key1', 3999999999)",
        "return redis.call('set', 'key1', 'x', 'exat', 3999999999)",
        "return redis.call('set', 'key1', 'x', 'exat', 3999999999, 'nx')",
        "return redis.call('set', 'key1', 'x', 'exat', 3999999999, 'get')",
        "return redis.call('getex', 'key1', 'pxat', 1)",
        "return redis.call('set', 'key1', 'x', 'px', '1000000000000000')",
        "return redis.call('set', 'key1', 'x', 'ex', 1e15)",
        "return redis.call('getex', 'key1', 'px', 1e16)",
        "return redis.call('setex', 'key1', '1000000000000000', 'x')",
        "return redis.call('psetex', 'key1', 9e16, 'x')",
        "return redis.call('pexpire', 'key1', 5e15)",
        "return redis.call('restore', 'copy', '1000000000000000', '\\000\\001x\\009\\000\\242\\114\\215\\147\\233\\110\\043\\097')",
        "return redis.call('pexpireat', 'key1', '9223372036854775807')",
        "return redis.call('restore', 'copy', 5000, '\\000\\001x\\009\\000\\242\\114\\215\\147\\233\\110\\043\\097')",
        "return redis.call('restore', 'copy', 1, '\\000\\001x\\009\\000\\242\\114\\215\\147\\233\\110\\043\\097', 'absttl')",
        "return math.random(100000)",
        "local m = math return m['ran' .. 'dom'](100000)",
        "return loadstring('return _G[\"ma\" .. \"th\"].random(100000)')()",
        "return cjson.encode({1 / 3, {{{1}}}}) .. cjson.decode('[[[[1]]], NaN]')[1][1][1][1]",
        "return _G['cj' .. 'son'].encode({1 / 3})",
        "return {pcall(cjson.encode, {[100] = 1})}",
        "return {pcall(cjson.encode, 0 / 0)}",
        "cjson.encode_number_precision(5) return cjson.encode({1 / 3})",
        "return tostring({}) .. tostring(redis.call) .. tostring(1)",
        "return collectgarbage('count')",
        "local r = {} for k, v in pairs(redis.call('hgetall', 'hash')) do r[#r + 1] = v end return r",
        "redis.setresp(3) return redis.call('hgetall', 'hash')",
        "redis.setresp(3) local r = {} for k, v in pairs(redis.call('hgetall', 'hash').map) do r[#r + 1] = k end return r",
        "redis.setresp(3) local r = {} for k in pairs(redis.call('smembers', 'set').set) do r[#r + 1] = k end return r",
        "redis.setresp(3) return redis.call('zrandmember', 'zset', 3, 'withscores')",
        "redis.setresp(3) return redis.call('spop', 'none')",
        "redis.setresp(3) local r = {} for k in pairs(redis.call('spop', 'set', 5).set) do r[#r + 1] = k end return r",
        "return redis.call('sort', 'set', 'by', 'nosort', 'limit', 0, 5)",
        "return redis.call('sort', 'set', 'by', 'nosort', 'store', 'sorted')",
        "return redis.call('sort', 'set', 'alpha', 'desc')",
        "return redis.call('sort', 'set', 'by', 'w_*', 'alpha')",
        "return redis.call('sort', 'zset', 'by', 'w_*', 'alpha', 'desc', 'limit', 3, 70, 'store', 'sorted')",
        "return redis.call('sort_ro', 'set', 'by', 'w_*', 'alpha', 'get', '#', 'get', 'w_*', 'limit', -5, 30)",
        "return redis.call('sort', 'set', 'by', 'w_*', 'get', 'none_*', 'alpha', 'store', 'set')",
        "return redis.call('sort', 'none', 'by', 'w_*', 'alpha', 'store', 'key1')",
        "return redis.call('sort', 'zeros', 'alpha')",
        "return redis.call('sort', 'zeros', 'alpha', 'desc', 'limit', 3, 20, 'get', '#', 'get', 'w_*')",
        "return redis.call('sort', 'zeros', 'by', 'nosort')",
        "return redis.call('sort', 'zeros', 'by', 'nosort', 'desc', 'store', 'sorted')",
        "redis.call('zunionstore', 'z', 1, 'zeros') return redis.call('sort_ro', 'z', 'alpha')",
        "local w, n = setmetatable({}, {__mode = 'v'}), 0 w[1] = {} "
            + "while w[1] and n < 100000 do n = n + 1 local garbage = {n} end return n",
        "return redis.call('geosearchstore', 'd', 'geo', 'fromlonlat', 1, 1, 'byradius', 900, 'km', 'count', 3, 'any')",
        "return redis.call('georadius', 'geo', 1, 1, 900, 'km', 'count', 3, 'any', 'store', 'd')",
        "return redis.call('geosearch', 'geo', 'frommember', 'any', 'byradius', 900, 'km', 'any', 'count', 5)",
        "return redis.call('zrangebylex', 'zset', '[member3', '(member55')",
        "return redis.call('zrevrangebylex', 'zset', '+', '(member2', 'limit', 5, 40)",
        "return redis.call('zlexcount', 'zset', '(member44', '[member6')",
        "return redis.call('zremrangebylex', 'zset', '[member3', '[member4')",
        "return redis.call('zrange', 'zset', '[member5', '-', 'bylex', 'rev', 'limit', 1, -1)",
        "return redis.call('zrangestore', 'key1', 'zset', '[member3', '[member5', 'bylex', 'limit', 10, 50)",
        "return redis.call('zrangestore', 'zset', 'zset', '(member9', '[member8', 'bylex')",
        "redis.setresp(3) return redis.call('zrangebylex', 'zset', '-', '+', 'LIMIT', 0, 3)",
        "return redis.call('flushall')",
        "redis.call('select', 3) redis.call('flushall') return redis.call('set', 'here', 1)",
        "local f = loadstring('return redis.call(\"smembers\", \"set\")') return f()",
        "return _G.redis.call('smembers', 'set')",
        "return rawget(_G, 'redis').call('smembers', 'set')",
        "local parts = {'return redis', '.call(\"time\")'} local i = 0 "
            + "return load(function() i = i + 1 return parts[i] end)()",
        "return loadstring('return loadstring(\"return _G.redis.call([[time]])\")()')()",
        "return loadstring('return 1 end, function() return redis end, function() return 2')",
        "return type(getmetatable(redis)) .. type(getmetatable(_G))",
        "return {pcall(function() return getmetatable(redis).__index.call('time') end)}",
      })
  void both_servers_reply_alike_and_end_alike(String body) throws IOException {
    for (Prelude prelude : List.of(PRELUDE, SHIFTED)) {
      fill();
      one.call("EVAL", BEFORE, "0");
      RespValue reply = run(one, prelude, body);
      assertFalse(reply.isError(), reply::toString);
      assertEquals(reply.toString(), run(other, prelude, body).toString());
      assertEquals(state(one), state(other));
    }
  }

  @Test
  void a_script_that_may_not_write_takes_nothing_out_of_a_range() throws IOException {
    for (String body :
        List.of(
            "return redis.call('zremrangebylex', 'zset', '[member3', '[member4')",
            "return redis.call('zrangestore', 'to', 'zset', '[member3', '[member4', 'bylex')")) {
      for (Prelude prelude : List.of(PRELUDE, SHIFTED)) {
        String before = state(one);
        RespValue reply =
            one.call(
                new byte[][] {
                  "EVAL_RO".getBytes(UTF_8),
                  prelude.wrap(body.getBytes(UTF_8)),
                  "0".getBytes(UTF_8),
                  Long.toString(CLOCK).getBytes(UTF_8),
                  (seed + ":0").getBytes(UTF_8)
                });
        assertTrue(reply.toString().contains("Write commands are not allowed"), reply::toString);
        assertEquals(before, state(one));
      }
    }
  }

  /** Where texts have an order, and in what it rejects, Redis is the judge. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "return redis.call('zrangebylex', K, '[b', '(dd')",
        "return redis.call('zrangebylex', K, '-', '+', 'limit', 1, 2)",
        "return redis.call('zrangebylex', K, '-', '+', 'limit', 1, -3)",
        "return redis.call('zrangebylex', K, '-', '+', 'limit', -1, 3)",
        "return redis.call('zrangebylex', K, '-', '+', 'limit', 0, 0)",
        "return redis.call('zrangebylex', K, '+', '-')",
        "return redis.call('zrangebylex', K, '(c', '[c')",
        "return redis.call('zrangebylex', K, 'c', '[c')",
        "return redis.call('zrangebylex', K, '-', '+', 'withscores')",
        "return redis.call('zrangebylex', K, '-', '+', 'limit', 'x', 3)",
        "return redis.call('zrangebylex', K, '-')",
        "return redis.call('zrevrangebylex', K, '(dd', '-', 'limit', 1, 2)",
        "return redis.call('zlexcount', K, '-', '(c')",
        "return redis.call('zlexcount', K, '-', '(c', 'limit')",
        "return redis.call('zremrangebylex', K, '[aa', '(d')",
        "return redis.call('zrange', K, '[aa', '+', 'bylex')",
        "return redis.call('zrange', K, '+', '[aa', 'bylex', 'rev', 'limit', 0, 2)",
        "return redis.call('zrange', K, '[aa', '+', 'bylex', 'withscores')",
        "return redis.call('zrange', K, '[aa', '+', 'bylex', 'byscore')",
        "return redis.call('zrangestore', 'to', K, '[aa', '+', 'bylex', 'limit', 0, 2)",
        "return redis.call('zrangestore', 'to', K, '(z', '+', 'bylex')",
        "return redis.call('zrangestore', 'to', K, '(z', '+', 'bylex', 'rev', 'x')",
        "return redis.call('zrangestore', K, K, '[b', '(d', 'bylex')",
        "redis.call('set', 'to', 'x') return redis.call('zrangestore', 'to', K, '[b', '(d', 'bylex')",
        "return redis.call('zrange', K, 0, -1)",
        "return redis.call('ZRANGE', K, '0', '-1', 'WITHSCORES')",
        "return redis.call('zrange', K, 1, 100, 'byscore', 'limit', 1, 3)",
        "return redis.call('zrange', K, 0, 2, 'rev')",
        "return redis.call('zrangestore', 'to', K, 0, 2)",
        "return redis.call('zrangestore', 'to', K, 0, 200, 'byscore')",
        "return redis.call('zrange', 'none', '[a', '+', 'bylex')",
        "redis.call('set', K, 'x') return redis.call('zrangebylex', K, '-', '+')",
      })
  void ranges_of_texts_are_those_of_redis(String body) throws IOException {
    for (RedisProcess redis : List.of(one, other)) {
      redis.call("FLUSHALL");
      for (String member : List.of("a", "aa", "b", "c", "d", "dd", "e")) {
        redis.call("ZADD", "same", "1", member);
        // In the order of the texts as well, but with several scores.
        redis.call("ZADD", "several", Integer.toString((int) member.charAt(0)), member);
      }
    }
    for (String key : List.of("same", "several")) {
      String with = body.replace("K,", "'" + key + "',");
      RespValue expected = one.call("EVAL", with, "0");
      RespValue reply = run(other, PRELUDE, with);
      String sha = "[0-9a-f]{40}";
      assertEquals(
          expected.toString().replaceAll(sha, ""), reply.toString().replaceAll(sha, ""), key);
      assertEquals(state(one), state(other));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "return redis.call('get', KEYS[1])",
        "return {#KEYS, #ARGV, KEYS[1], ARGV[1], ARGV[2]}",
        "return {unpack(ARGV)}",
        "return redis.call('incr', 'list')",
        "\n\nreturn redis.call('incr', 'list')",
        "\nlocal r = redis.call('lpop', 'key1')\nreturn r",
        "local function f()\n return redis.call('lpop', 'key1') end\nreturn f()",
        "local function f()\n local x = redis.call('lpop', 'key1') return x end\nreturn f()",
        "return redis.call('nosuchcommand')",
        "return redis.pcall('nosuchcommand')",
        "return redis.call('get')",
        "return redis.call()",
        "return redis.pcall('set', 'a')",
        "return redis.call('set', 'k', {})",
        "return redis.call('smembers', 'key1')",
        "return redis.call('spop', 'key1')",
        "return redis.call('spop', 'set', 'x')",
        "return redis.call('spop', 'set', -1)",
        "return redis.call('srandmember', 'set', 'x')",
        "return redis.call('hrandfield', 'hash', 1, 'foo')",
        "return redis.call('expire', 'key1', 'x')",
        "return redis.call('expire', 'key1')",
        "return redis.call('expire', 'key1', '1e3')",
        "return redis.call('PEXPIRE', 'key1', '0x1000')",
        "return redis.call('EXPIRE', 'key1', ' 1000')",
        "return redis.call('EXPIRE', 'key1', '01000')",
        "return redis.call('Expire', 'key1', '0x10')",
        "return redis.call('EXPIRE', 'key1', 1.5)",
        "return redis.call('EXPIRE', 'key1', 1e17)",
        "return redis.call('PEXPIRE', 'key1', 1e300)",
        "return redis.call('EXPIRE', 'key1', '99999999999999999999')",
        "return redis.call('PEXPIRE', 'key1', '9223372036854775808')",
        "return redis.call('PEXPIRE', 'key1', '9223372036854775807')",
        "return redis.call('EXPIRE', 'key1', {})",
        "return redis.call('EXPIRE', 'key1', 10, 'XX', 'NX')",
        "return redis.call('TIME', 'x')",
        "return redis.call('Time', 'x')",
        "return redis.call('expire', 'key1', '9223372036854775807')",
        "return redis.call('set', 'k', 'v', 'ex', 0)",
        "return redis.call('set', 'k', 'v', 'ex', 'x')",
        "return redis.call('set', 'k', 'v', 'ex', 10, 'px', 10)",
        "return redis.call('set', 'k', 'v', 'ex', 10, 'keepttl')",
        "return redis.call('set', 'key1', 'v', 'keepttl', 'pxat', 1)",
        "return redis.call('set', 'key1', 'v', 'pxat', 1, 'ex', 100)",
        "return redis.call('getex', 'key1', 'pxat', 1, 'persist')",
        "return redis.call('expireat', 'key1', '9223372036854776')",
        "return redis.call('Expire', 'key1', '9223372036854776')",
        "return redis.call('expire', 'key1', 9.3e15)",
        "return redis.call('expireat', 'key1', '-5')",
        "return redis.call('srandmember', 'set', '-9223372036854775808')",
        "return redis.call('hrandfield', 'hash', '4611686018427387904', 'withvalues')",
        "return redis.call('scan', 'x')",
        "return redis.call('scan')",
        "return redis.call('setex', 'k', 0, 'v')",
        "return redis.call('setex', 'k', 'x', 'v')",
        "return redis.call('getex', 'k', 'ex', -1)",
        "return redis.call('ttl', 'key1')",
        "return redis.call('ttl', 'none')",
        "return redis.call('eval', 'return 1', 0)",
        "return redis.call('multi')",
        "return redis.call('script', 'flush')",
        "return redis.call('select', 99)",
        "return redis.call('subscribe', 'x')",
        "local x = nil .. 'x'",
        "\n\nlocal x = nil + 1",
        "abc def",
        "return 1 +",
        "x = 1",
        "return nosuchglobal",
        "return server.call('ping')",
        "error('oops')",
        "\nerror({err = 'MY oops'})",
        "return redis.error_reply('MY oops')",
        "return redis.status_reply('FINE')",
        "return {ok = 'fine'}",
        "return {1, 2.9, 'x', false, {3}}",
        "return nil",
        "redis.setresp(3) return redis.call('get', 'none')",
        "redis.setresp(3) return redis.call('zscore', 'zset', 'member1')",
        "redis.setresp(4)",
        "redis.log(redis.LOG_WARNING, 'x') return redis.sha1hex('x')",
        "return redis.LOG_DEBUG",
        "redis.foo = 1",
        "return cjson.encode({1, {a = 2}})",
        "return {pcall(redis.call, 'incr', 'list')}",
        "local ok, e = pcall(redis.call, 'incr', 'list') return {tostring(ok), e.err}",
        "return redis.pcall('incr', 'list')",
        "return redis.call('xadd', 's', '1-1', 'a', 'b')",
        "return redis.call('xadd', 's')",
        "return redis.call('xtrim', 'stream', 'maxlen', 'x')",
        "return redis.call('ping', 'hi')",
        "return redis.call('sort', 'list')",
        "return redis.call('sort', 'list', 'by', 'w_*', 'alpha', 'store', 'd')",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha')",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'desc', 'limit', 1, 2)",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'limit', 1, 0)",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'get', 'u_*', 'get', '#', 'store', 'd')",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'limit', 'x', 2)",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'store')",
        "return redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'foo')",
        "return redis.call('sort_ro', 'unequal', 'by', 'u_*', 'alpha', 'store', 'd')",
        "return redis.call('sort', 'hash', 'by', 'u_*', 'alpha')",
        "#!lua flags=no-writes\nreturn redis.call('sort', 'unequal', 'by', 'u_*', 'alpha', 'store', 'd')",
        "return redis.call('geosearch', 'geo', 'fromlonlat', 1, 1, 'byradius', 900, 'km', 'any')",
        "return redis.call('hgetall', 'none')",
        "return redis.call('hincrbyfloat', 'h', 'f', 0.1)",
        "return redis.call('zadd', 'z', 1.5, 'a')",
        "local s = 'return redis.call()' return s",
        "#!lua flags=no-writes\nreturn redis.call('set', 'k', 'v')",
        "#!lua\n\nreturn redis.call('incr', 'list')",
        "return redis.call('incr', 'list') or 5",
        "return 1, redis.call('incr', 'list')",
        "return redis.replicate_commands()",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "setmetatable(math, {})",
        "setmetatable(_G)",
        "setmetatable(_G, 5)",
        "return {pcall(setmetatable, _G, {})}",
        "setmetatable(setmetatable({}, {__metatable = 1}), {})",
        "setmetatable({})",
        "setmetatable(1, {})",
      })
  void it_does_what_redis_does_without_the_prelude(String body) throws IOException {
    RespValue plain = one.call("EVAL", body, "1", "key1", "a", "b");
    byte[] wrapped = PRELUDE.wrap(body.getBytes(UTF_8));
    RespValue reply = evaluate(other, wrapped, "1", "key1", "a", "b");
    assertEquals(
        plain.toString(),
        reply.toString().replace(Script.sha1(wrapped), Script.sha1(body.getBytes(UTF_8))));
    assertEquals(state(one), state(other));
  }

  @Test
  void the_clock_is_that_of_the_entry() throws IOException {
    List<RespValue> time = run(one, PRELUDE, "return redis.call('TIME')").asList();
    assertEquals(time, run(one, PRELUDE, "return redis.call('Time')").asList());
    assertEquals("4000000000", time.get(0).asString());
    assertEquals("123000", time.get(1).asString());
    run(one, PRELUDE, "return redis.call('set', 'key1', 'x', 'EX', 100)");
    assertEquals(CLOCK + 100_000, one.call("PEXPIRETIME", "key1").asLong());
    run(one, SHIFTED, "return redis.call('expire', 'key1', 100)");
    assertEquals(CLOCK + 100_000 + (1L << 42), one.call("PEXPIRETIME", "key1").asLong());
    assertEquals(100, run(one, SHIFTED, "return redis.call('ttl', 'key1')").asLong());
    assertEquals(100_000, run(one, SHIFTED, "return redis.call('pttl', 'key1')").asLong());
    String id = run(one, PRELUDE, "return redis.call('xadd', 'new', '*', 'f', 'v')").asString();
    assertEquals(CLOCK + "-0", id);
    String ahead =
        run(one, PRELUDE, "return redis.call('xadd', 'stream', '*', 'f', 'v')").asString();
    assertEquals("4000000000200-6", ahead);
  }

  /** Redis reads its clock twice for EXPIRE and PEXPIRE: one that is set back may keep the key. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'expire', 'key1', 0                | 'EXPIRE' 'key1' '-4000000000'",
        "'EXPIRE', 'key1', '-1', 'LT'       | 'EXPIRE' 'key1' '-4000000000' 'LT'",
        "'pexpire', 'key1', '0'             | 'PEXPIRE' 'key1' '-4000000000000'",
        "'PExpire', 'key1', -5              | 'PEXPIRE' 'key1' '-4000000000000'",
        "'expire', 'key1', -5000000000      | 'EXPIRE' 'key1' '-5000000000'",
        "'expireat', 'key1', 1000000000     | 'PEXPIREAT' 'key1' '1'",
        "'pexpireat', 'key1', 1             | 'PEXPIREAT' 'key1' '1'",
        "'set', 'key1', 'x', 'px' , 1       | 'SET' 'key1' 'x' 'PXAT' '8398046511228'",
        "'set', 'key1', 'x', 'exat', 1000   | 'PEXPIREAT' 'key1' '1'"
      })
  void what_ends_at_once_has_passed_by_any_clock(String call, String asked) throws Exception {
    one.call("SET", "key1", "value");
    one.call("PEXPIREAT", "key1", Long.toString(CLOCK + (1L << 42)));
    Process monitor =
        new ProcessBuilder(
                "redis-cli",
                "-s",
                directory.resolve("one").resolve("redis.sock").toString(),
                "MONITOR")
            .start();
    try (BufferedReader lines = monitor.inputReader()) {
      assertEquals("OK", lines.readLine());
      RespValue reply = run(one, SHIFTED, "return redis.call(" + call + ")");
      assertFalse(reply.isError(), reply::toString);
      one.call("ECHO", "that was all");
      StringBuilder seen = new StringBuilder();
      for (String line = lines.readLine();
          !line.contains("that was all");
          line = lines.readLine()) {
        seen.append(line).append('\n');
      }
      assertTrue(
          seen.toString().toLowerCase().contains(asked.replace('\'', '"').toLowerCase()),
          seen::toString);
    } finally {
      monitor.destroy();
    }
    assertEquals(call.contains("px") ? 1 : 0, one.call("EXISTS", "key1").asLong());
  }

  @Test
  void a_time_of_any_length_is_by_the_clock_of_the_entry() throws IOException {
    for (String set :
        List.of(
            "redis.call('set', 'key1', 'x', 'px', '1000000000000000')",
            "redis.call('psetex', 'key1', 1e15, 'x')",
            "redis.call('getex', 'key1', 'px', 1e15)",
            "redis.call('set', 'key1', 'x', 'pxat', '1004000000000123')",
            "redis.call('pexpireat', 'key1', '1004000000000123')",
            "redis.call('pexpire', 'key1', 1e15)")) {
      fill();
      String body = set + " return redis.call('pttl', 'key1')";
      assertEquals(1_000_000_000_000_000L, run(one, SHIFTED, body).asLong(), set);
      assertEquals(
          CLOCK + 1_000_000_000_000_000L + (1L << 42), one.call("PEXPIRETIME", "key1").asLong());
    }
  }

  /** A listpack keeps a score of -0 as 0, a skiplist with its sign. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "return redis.call('zscore', 'z', '-0')",
        "return redis.call('ZMSCORE', 'z', '-0', 'none', 'm')",
        "return redis.call('zrange', 'z', 0, -1, 'withscores')",
        "return redis.call('zrange', 'z', '-inf', '+inf', 'byscore', 'WITHSCORES')",
        "return redis.call('zrangebyscore', 'z', '-1', '1', 'WithScores', 'limit', 0, 2)",
        "return redis.call('zrevrange', 'z', 0, -1, 'withscores')",
        "return redis.call('zrevrangebyscore', 'z', 1, -1, 'withscores')",
        "return redis.call('zrange', 'z', 0, -1)",
        "return redis.call('zunion', 2, 'z', 'withscores', 'withscores')",
        "return redis.call('zinter', 1, 'z', 'withscores')",
        "return redis.call('zdiff', 2, 'z', 'none', 'withscores')",
        "return redis.call('zadd', 'z', 'incr', '-0', '-0')",
        "return redis.call('zadd', 'z', 'xx', 'incr', '-0', 'm')",
        "return redis.call('zincrby', 'z', '-0', '-0')",
        "return redis.call('zpopmin', 'z')",
        "return redis.call('zpopmax', 'z', 3)",
        "return redis.call('zmpop', 1, 'z', 'min', 'count', 5)",
        "return redis.call('zscan', 'z', 0)",
        "return redis.call('zrandmember', 'z', 9, 'withscores')",
        "return redis.call('zrangebylex', 'z', '-', '+')",
        "return redis.call('zrangestore', 'to', 'z', '-', '+', 'bylex')",
      })
  void a_score_of_zero_has_no_sign(String call) throws IOException {
    one.call("CONFIG", "SET", "zset-max-listpack-entries", "0");
    try {
      for (RedisProcess redis : List.of(one, other)) {
        redis.call("ZADD", "z", "-0", "-0", "-0", "m", "0", "n", "-0", "o");
        redis.call("ZADD", "withscores", "-1", "-0");
      }
    } finally {
      one.call("CONFIG", "SET", "zset-max-listpack-entries", "128");
    }
    assertEquals("-0", one.call("ZSCORE", "z", "m").asString());
    assertEquals("0", other.call("ZSCORE", "z", "m").asString());
    // In RESP3 a score is a number, whose sign shows when it divides.
    String shown =
        "local function show(v) if type(v) ~= 'table' then return tostring(v) end "
            + "if v.double then return 'double ' .. 1 / v.double end local r = {} "
            + "for i = 1, table.maxn(v) do r[i] = show(v[i]) end return '{' .. table.concat(r, ',') .. '}' end ";
    for (int resp = 2; resp <= 3; resp++) {
      for (RedisProcess redis : List.of(one, other)) {
        redis.call("COPY", "z", "kept");
      }
      String body =
          shown
              + ("redis.setresp(" + resp + ") ")
              + call.replaceFirst("return (.*)", "return show($1)");
      RespValue reply = run(one, PRELUDE, body);
      assertFalse(reply.isError(), reply::toString);
      assertEquals(reply.toString(), run(other, PRELUDE, body).toString());
      for (RedisProcess redis : List.of(one, other)) {
        redis.call("RENAME", "kept", "z");
      }
    }
  }

  @Test
  void members_keep_their_names() throws IOException {
    one.call("ZADD", "z", "1", "-0", "2", "x");
    for (String call :
        List.of(
            "redis.call('zrange', 'z', 0, -1)[1]",
            "redis.call('zrange', 'z', 0, -1, 'withscores')[1]",
            "redis.call('zscan', 'z', 0)[2][1]",
            "redis.call('zunion', 2, 'z', 'withscores')[1]",
            "redis.call('zmpop', 1, 'z', 'min')[2][1][1]")) {
      assertEquals("-0", run(one, PRELUDE, "return " + call).asString(), call);
    }
    one.call("ZADD", "-0", "1", "-0", "2", "x");
    String key = "return redis.call('zmpop', 1, '-0', 'min')[1]";
    assertEquals("-0", run(one, PRELUDE, key).asString());
  }

  /** How many subscribers it has differs from node to node. */
  @Test
  void what_was_published_has_reached_nobody() throws IOException {
    String body =
        "return {redis.call('publish', 'c', 'm'), redis.call('SPUBLISH', 'c', 'm'), redis.pcall('publish').err}";
    try (SocketChannel subscriber =
        SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("one/redis.sock")))) {
      subscriber.write(ByteBuffer.wrap("SUBSCRIBE c\r\nSSUBSCRIBE c\r\n".getBytes(UTF_8)));
      subscriber.read(ByteBuffer.allocate(1)); // it has subscribed to both: Redis answers in one go
      assertEquals(1, one.call("PUBLISH", "c", "to the client").asLong());
      List<RespValue> reply = run(one, PRELUDE, body).asList();
      assertEquals(0, reply.get(0).asLong());
      assertEquals(0, reply.get(1).asLong());
      assertTrue(reply.get(2).asString().contains("Wrong number of args"), reply::toString);
      assertEquals(reply.toString(), run(other, PRELUDE, body).asList().toString());
    }
  }

  /** Otherwise a node that is loaded from its append-only file would lack it. */
  @Test
  void what_a_script_writes_is_written_everywhere() throws Exception {
    Path files = Files.createDirectory(directory.resolve("append-only"));
    try (RedisProcess redis =
        RedisProcess.start(files, "--appendonly", "yes", "--appendfsync", "always")) {
      String body =
          "redis.set_repl(redis.REPL_NONE) return redis.call('set', 'key of a script', 'v')";
      assertEquals("OK", run(redis, PRELUDE, body).asString());
      String library =
          "#!lua name=lib\nredis.register_function('f', function() redis.set_repl(redis.REPL_SLAVE) "
              + "return redis.call('set', 'key of a function', 'v') end)";
      redis.call(bytes("FUNCTION", "LOAD", PRELUDE.wrapLibrary(library.getBytes(UTF_8))));
      assertEquals("OK", redis.call("FCALL", "f", "0", "" + CLOCK, "77:0").asString());
      assertTrue(run(redis, PRELUDE, "redis.set_repl(77)").isError());
    }
    StringBuilder written = new StringBuilder();
    try (Stream<Path> all = Files.walk(files)) {
      for (Path file : all.filter(f -> f.toString().endsWith(".incr.aof")).toList()) {
        written.append(Files.readString(file, ISO_8859_1));
      }
    }
    assertTrue(written.indexOf("$15\r\nkey of a script") >= 0, written::toString);
    assertTrue(written.indexOf("$17\r\nkey of a function") >= 0, written::toString);
  }

  @Test
  void a_hash_with_deadlines_of_its_fields_is_not_restored() throws IOException {
    for (int type = 22; type <= 25; type++) {
      String body = "return redis.call('restore', 'copy', 0, string.char(" + type + ") .. 'x')";
      assertTrue(run(one, PRELUDE, body).asString().contains("RESTORE is refused: deadlines"));
    }
  }

  @Test
  void functions_reply_alike_and_end_alike() throws IOException {
    String library =
        """
        #!lua name=lib
        local calls = 0
        redis.register_function('change', function(keys, args)
          redis.call('spop', keys[1], 3)
          redis.call('expire', 'key1', 10)
          return {#keys, #args, args[1], redis.call('time')[1], redis.call('srandmember', keys[1]), redis.call('ttl', 'key1')}
        end)
        redis.register_function{function_name='look', flags={'no-writes'}, callback=function(keys)
          redis.setresp(3)
          local r = {redis.sha1hex('x'), tostring({}), type(_G.redis), loadstring('return redis.call("time")[1]')()}
          for k in pairs(redis.call('smembers', keys[1]).set) do r[#r + 1] = k end
          return r
        end}
        redis.register_function('three', function(keys) return redis.call('hkeys', keys[1]) end)
        """;
    for (RedisProcess redis : List.of(one, other)) {
      redis.call("FUNCTION", "FLUSH");
      byte[] wrapped = PRELUDE.wrapLibrary(library.getBytes(UTF_8));
      assertTrue(Prelude.isWrapped(wrapped));
      assertArrayEquals(library.getBytes(UTF_8), Prelude.unwrap(wrapped));
      assertEquals("lib", redis.call(bytes("FUNCTION", "LOAD", wrapped)).asString());
    }
    for (String call : List.of("change 1 set a b", "look 1 set", "three 1 hash", "change 1 set")) {
      String[] words = ("FCALL " + call + " " + CLOCK + " 77:0").split(" ");
      RespValue reply = one.call(words);
      assertFalse(reply.isError(), reply::toString);
      assertEquals(reply.toString(), other.call(words).toString());
      assertEquals(state(one), state(other));
    }
    assertTrue(one.call("FCALL", "three", "1", "hash").asString().contains("RAFT FCALL"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "local n = 0 redis.register_function('f', function() n = n + 1 return n end)",
        "local t = {} redis.register_function('f', function() t[#t + 1] = 1 return #t end)",
        "local function twice(x) return 2 * x end local n = 1 "
            + "redis.register_function('g', function() n = twice(n) return n end) "
            + "redis.register_function{function_name='f', callback=function() n = twice(n) return n end}",
        "redis.register_function('f', function() rawset(redis, 'n', (redis.n or 0) + 1) return redis.n end)",
        "redis.register_function('f', function() table.insert(_G, 1) return #_G end)",
        "redis.register_function('f', function() rawset(getmetatable(_G), 'n', (getmetatable(_G).n or 0) + 1)"
            + " return getmetatable(_G).n end)",
        "local next redis.register_function('f', function() "
            + "next = next or coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) return next() end)",
        "redis.register_function('f', function() local r = cjson.encode(0.123456789) "
            + "cjson.encode_number_precision(3) return #r end)",
        "redis.register_function('f', function() return math.random(1000) end)",
      })
  void a_library_keeps_nothing_from_one_call_to_the_next(String body) throws IOException {
    RespValue loaded = load("#!lua name=lib\n" + body);
    assertEquals("lib", loaded.asString());
    RespValue first = one.call("FCALL", "f", "0", "" + CLOCK, "77:0");
    assertFalse(first.isError(), first::toString);
    assertEquals(first.toString(), one.call("FCALL", "f", "0", "" + CLOCK, "77:0").toString());
  }

  /**
   * Its second function is its first one when it is called: another call's must not take its place.
   */
  @Test
  void what_a_library_registers_no_more_is_an_error_whoever_was_called_before() throws IOException {
    load(
        """
        #!lua name=lib
        if not redis.sha1hex then redis.register_function('a', function() return 'a' end) end
        redis.register_function('b', function() return 'b' end)""");
    for (String name : List.of("b", "a", "b")) {
      RespValue reply = one.call("FCALL", name, "0", "" + CLOCK, "77:0");
      assertEquals(name.equals("b"), reply.isError(), reply::toString);
    }
  }

  @Test
  void what_a_library_does_when_it_is_loaded_is_there_when_it_is_called() throws IOException {
    load(
        """
        #!lua name=lib
        redis.log(redis.LOG_DEBUG, 'loaded once')
        local version, names = redis.REDIS_VERSION, {}
        local function add(name, f)
          names[#names + 1] = name
          redis.register_function{function_name = name, FLAGS = {'no-writes'}, CALLBACK = f}
        end
        for i = 1, 3 do add('f' .. i, function(keys, args) return {i, #names, #args, version} end) end
        if names.none then
          repeat return until true
        end
        local last = function() return redis.call('incr', 'list') end -- the end""");
    for (int i = 1; i <= 3; i++) {
      List<RespValue> reply = one.call("FCALL", "f" + i, "0", "a", "" + CLOCK, "77:0").asList();
      assertEquals(List.of(i, 3, 1), reply.stream().limit(3).map(v -> (int) v.asLong()).toList());
    }
  }

  @Test
  void a_function_that_registers_another_is_refused_as_by_redis() throws IOException {
    String body = "redis.register_function('f', function() redis.register_function('g', 1) end)";
    load("#!lua name=lib\n" + body);
    String reply = one.call("FCALL", "f", "0", "" + CLOCK, "77:0").asString();
    assertTrue(reply.contains("attempt to call field 'register_function' (a nil value)"), reply);
    load(
        "#!lua name=lib\nlocal add = redis.register_function\n"
            + "add('f', function() add('g', function() end) end)");
    reply = one.call("FCALL", "f", "0", "" + CLOCK, "77:0").asString();
    assertTrue(reply.contains("user_function:3: attempt to call"), reply);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "local x = 1 end",
        "redis.register_function('f', function() return 1 end) end) os.exit((function()",
        "local function f() return 1",
        "\n\nif true then redis.register_function('f', function() return 1 end)",
        "return 1 +",
        "abc def",
        "local s = [[ end",
        "--[[ end",
        "until",
        "-- a line that ends by a carriage return\rend) redis.log(1, 'out') (function()",
      })
  void what_is_no_library_is_none_with_the_prelude(String body) throws IOException {
    String library = "#!lua name=lib\n" + body;
    one.call("FUNCTION", "FLUSH");
    assertTrue(one.call("FUNCTION", "LOAD", library).isError());
    assertTrue(load(library).isError());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis.call = function() return 1 end",
        "redis.log = function() return 1 end",
        "redis.other = 1",
        "local g = getmetatable(_G) g.__index = {}",
        "getmetatable('').__index = function() return 1 end",
      })
  void what_redis_protects_is_protected(String body) throws IOException {
    assertTrue(run(one, PRELUDE, body).asString().contains("modify a readonly table"), body);
    load("#!lua name=lib\nredis.register_function('f', function() " + body + " end)");
    RespValue reply = one.call("FCALL", "f", "0", "" + CLOCK, "77:0");
    assertTrue(reply.asString().contains("modify a readonly table"), reply::toString);
  }

  @Test
  void named_arguments_in_any_case_are_wrapped() throws IOException {
    String named = "#!lua name=lib\nredis.register_function{FUNCTION_NAME='f', CallBack=";
    String library = named + "function(keys, args) return #args end}";
    load(library);
    assertEquals(1, one.call("FCALL", "f", "0", "x", "" + CLOCK, "77:0").asLong());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis.register_function()",
        "redis.register_function('f')",
        "redis.register_function{callback=function() end}",
        "redis.register_function('f', function() end, 'more')",
        "local x = 1 end",
        "redis.register_function('f', function() return 1 end) end",
        "redis.call('ping')",
        "redis.pcall('ping')",
        "redis.setresp(3)",
        "redis.set_repl(3)",
      })
  void what_redis_says_while_a_library_is_loaded_is_its_own(String body) throws IOException {
    String library = "#!lua name=lib\n" + body;
    one.call("FUNCTION", "FLUSH");
    RespValue plain = one.call("FUNCTION", "LOAD", library);
    assertTrue(plain.isError(), plain::toString);
    String problem = plain.asString().replaceFirst(".*?([^:]+)$", "$1");
    String wrapped = load(library).asString();
    assertTrue(wrapped.endsWith(problem), wrapped + " instead of " + plain);
  }

  private RespValue load(String library) throws IOException {
    one.call("FUNCTION", "FLUSH");
    return one.call(bytes("FUNCTION", "LOAD", PRELUDE.wrapLibrary(library.getBytes(UTF_8))));
  }

  private static byte[][] bytes(String first, String second, byte[] third) {
    return new byte[][] {first.getBytes(UTF_8), second.getBytes(UTF_8), third};
  }

  @Test
  void when_memory_is_short_then_a_script_writes_only_what_needs_none() throws IOException {
    String outOfMemory = "OOM command is not allowed when used memory > 'maxmemory'.";
    memoryIsShort = true;
    for (String refused :
        List.of(
            "return redis.call('set', 'k', 'v')",
            "return redis.pcall('SETEX', 'k', 10, 'v')",
            "return redis.call('xadd', 's', '*', 'f', 'v')",
            "return redis.call('XGROUP', 'Create', 'stream', 'g', '$')",
            "#!lua\nreturn 1")) {
      String reply = run(one, PRELUDE, refused).asString();
      assertTrue(reply.startsWith(outOfMemory), refused + ": " + reply);
    }
    for (String taken :
        List.of(
            "return redis.call('get', 'key1')",
            "return redis.call('del', 'key1')",
            "return redis.call('xgroup', 'destroy', 'stream', 'g')",
            "redis.call('del', 'key1') return redis.call('set', 'key1', 'v')",
            "redis.call('xgroup', 'destroy', 'stream', 'g') return redis.call('set', 'key1', 'v')",
            "return redis.call('srandmember', 'set')",
            "#!lua flags=no-writes\nreturn redis.call('get', 'key1')",
            "#!lua flags=allow-oom\nreturn redis.call('set', 'key1', 'w')")) {
      assertFalse(run(one, PRELUDE, taken).isError(), taken);
      assertEquals(run(one, PRELUDE, taken).toString(), run(one, PRELUDE, taken).toString());
    }
    load(
        "#!lua name=lib\nredis.register_function('f', function() return 1 end)\n"
            + "redis.register_function{function_name='r', flags={'No-Writes'}, callback=function() return 1 end}");
    String reply = one.call("FCALL", "f", "0", "" + CLOCK, "077:0").asString();
    assertTrue(reply.startsWith(outOfMemory), reply);
    assertEquals(1, one.call("FCALL", "f", "0", "" + CLOCK, "77:0").asLong());
    assertEquals(1, one.call("FCALL", "r", "0", "" + CLOCK, "077:0").asLong());
  }

  @Test
  void the_seed_chooses() throws IOException {
    String body = "return redis.call('srandmember', 'set', 5)";
    seed = 1;
    String first = run(one, PRELUDE, body).toString();
    assertEquals(first, run(one, PRELUDE, body).toString());
    seed = 2;
    assertNotEquals(first, run(one, PRELUDE, body).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "return redis.call('select', 15)",
        "return redis.call('select', '15')",
        "return redis.call('move', 'key1', 15)",
        "return redis.call('swapdb', 0, 15)",
        "return redis.call('swapdb', '15', '0')",
        "return redis.call('copy', 'key1', 'key2', 'DB', 15)",
      })
  void the_reserved_database_is_out_of_reach(String body) throws IOException {
    RespValue reply = run(one, PRELUDE, body);
    assertTrue(reply.asString().startsWith("ERR DB index is out of range"), reply::toString);
    run(one, PRELUDE, "return redis.call('flushall')");
    assertEquals(0, one.call("DBSIZE").asLong());
    one.call("SELECT", Integer.toString(RESERVED));
    assertEquals("value", one.call("GET", "reserved").asString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "xinfo stream stream full",
        "xinfo consumers stream g",
        "object idletime key1",
        "object encoding key1",
        "dump key1",
        "memory usage key1",
        "info",
        "wait 0 0",
        "client id",
        "command",
        "lolwut",
      })
  void what_no_node_can_answer_for_the_others_is_refused(String command) throws IOException {
    String arguments = "'" + command.replace(" ", "','") + "'";
    assertTrue(run(one, PRELUDE, "return redis.call(" + arguments + ")").isError());
    assertTrue(run(one, PRELUDE, "return redis.pcall(" + arguments + ")").isError());
  }

  private RespValue run(RedisProcess redis, Prelude prelude, String body) throws IOException {
    return evaluate(redis, prelude.wrap(body.getBytes(UTF_8)), "0");
  }

  private RespValue evaluate(RedisProcess redis, byte[] wrapped, String... arguments)
      throws IOException {
    List<byte[]> command = new ArrayList<>(List.of("EVAL".getBytes(UTF_8), wrapped));
    for (String argument : arguments) {
      command.add(argument.getBytes(UTF_8));
    }
    command.add(Long.toString(CLOCK).getBytes(ISO_8859_1));
    command.add(((memoryIsShort ? "0" : "") + seed + ":0").getBytes(ISO_8859_1));
    return redis.call(command.toArray(byte[][]::new));
  }

  private static String state(RedisProcess redis) throws IOException {
    redis.call("HELLO", "2");
    StringBuilder state = new StringBuilder(redis.call("DEBUG", "DIGEST").asString());
    List<String> times = new ArrayList<>();
    for (RespValue key : redis.call("KEYS", "*").asList()) {
      times.add(key.asString() + " " + redis.call("PEXPIRETIME", key.asString()).asLong());
    }
    Collections.sort(times);
    return state.append(times).toString();
  }
}
