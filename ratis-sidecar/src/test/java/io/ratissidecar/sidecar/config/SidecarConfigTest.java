package io.ratissidecar.sidecar.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SidecarConfigTest {
  private static SidecarConfig with(String... pairs) {
    Map<String, String> values = new HashMap<>();
    values.put("dir", "/tmp/x");
    for (int i = 0; i < pairs.length; i += 2) {
      values.put(pairs[i], pairs[i + 1]);
    }
    return SidecarConfig.of(values);
  }

  @Test
  void when_only_the_directory_is_given_then_the_rest_has_its_default() {
    SidecarConfig config = with();
    assertEquals("127.0.0.1:6380", config.clientAddress());
    assertEquals("127.0.0.1:16380", config.raftAddress());
    assertEquals(6480, config.managedRedisPort());
    assertEquals(new RedisTarget.Managed(), config.redis());
  }

  @ParameterizedTest
  @CsvSource({
    "port,0",
    "port,65536",
    "port,x",
    "id,-1",
    "follower-proxy,maybe",
    "redis,nowhere",
    "redis,host:0",
    "batch-bytes,1",
    "snapshot-bandwidth,-1",
    "redis-notify-keyspace-events,ExQ",
    "unheard-of,1",
    "raft-port,70000"
  })
  void when_a_value_is_wrong_then_the_message_names_it(String name, String value) {
    InvalidSettingException e =
        assertThrows(InvalidSettingException.class, () -> with(name, value));
    assertTrue(e.getMessage().contains("'" + name + "'"), e.getMessage());
  }

  @Test
  void when_the_default_raft_port_would_be_none_then_it_must_be_given() {
    assertThrows(InvalidSettingException.class, () -> with("port", "60000"));
    assertEquals(60001, with("port", "60000", "raft-port", "60001").raftPort());
  }

  @Test
  void when_bound_to_all_addresses_then_one_must_be_advertised() {
    assertThrows(InvalidSettingException.class, () -> with("bind", "0.0.0.0"));
    assertEquals("n1:6380", with("bind", "0.0.0.0", "advertise", "n1").clientAddress());
    assertEquals("0.0.0.0", with("bind", "*", "advertise", "n1").bind());
  }

  @Test
  void when_the_heap_is_too_small_for_the_longest_entry_then_it_says_what_to_do() {
    with().checkHeap(160L << 20);
    with("max-entry-bytes", "4194304").checkHeap(60L << 20);
    SidecarConfig config = with("max-entry-bytes", "67108864");
    InvalidSettingException e =
        assertThrows(InvalidSettingException.class, () -> config.checkHeap(256L << 20));
    assertEquals(
        "'max-entry-bytes' 67108864 needs a Java heap of 511 MB, this one has 256 MB:"
            + " start Java with -Xmx511m (RATIS_SIDECAR_JAVA_OPTS), or set it lower",
        e.getMessage());
    config.checkHeap((511L << 20) * 30 / 31); // what Java gives of it
  }

  @Test
  void when_there_is_no_directory_then_it_says_so() {
    assertThrows(InvalidSettingException.class, () -> SidecarConfig.of(Map.of()));
  }

  @Test
  void external_redis_forms() {
    assertTrue(with("redis", "unix:/run/redis.sock").redis() instanceof RedisTarget.Unix);
    assertTrue(
        with("redis", "10.0.0.1:6379", "redis-password", "p").redis() instanceof RedisTarget.Tcp);
    assertThrows(InvalidSettingException.class, () -> with("redis-password", "p"));
  }
}
