package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.redisson.Redisson;
import org.redisson.api.RBatch;
import org.redisson.api.RBlockingQueue;
import org.redisson.api.RBucket;
import org.redisson.api.RFencedLock;
import org.redisson.api.RMap;
import org.redisson.api.RMapCache;
import org.redisson.api.RQueue;
import org.redisson.api.RSemaphore;
import org.redisson.api.RStream;
import org.redisson.api.RTopic;
import org.redisson.api.RTransaction;
import org.redisson.api.RedissonClient;
import org.redisson.api.TransactionOptions;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.RedisException;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.redisson.config.SentinelServersConfig;

/**
 * Redisson, which asks sentinels, as two applications have it while leaders are killed or hand
 * over.
 */
@ExtendWith(PrintLogsOnFailure.class)
class RedissonClientsIT {
  /** What Redisson gives a lock unless told otherwise; renewed when a third of it is over. */
  private static final Duration LEASE = Duration.ofSeconds(30);

  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  private static RedissonClient one;
  private static RedissonClient two;

  @AutoClose("shutdownNow")
  private final ExecutorService elsewhere = Executors.newCachedThreadPool();

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--mode", "transparent");
    one = connect();
    two = connect();
  }

  @AfterAll
  static void stop() {
    for (RedissonClient client : new RedissonClient[] {one, two}) {
      if (client != null) {
        client.shutdown(0, 5, TimeUnit.SECONDS);
      }
    }
  }

  private static RedissonClient connect() {
    Config config = new Config();
    config.setCodec(StringCodec.INSTANCE);
    SentinelServersConfig sentinels = config.useSentinelServers().setMasterName("mymaster");
    cluster.addresses().forEach(address -> sentinels.addSentinelAddress("redis://" + address));
    return Redisson.create(config);
  }

  @BeforeEach
  void empty() throws IOException {
    assertOk(cluster.leader().call("FLUSHALL"));
  }

  @AfterEach
  void startAgain() {
    cluster.nodes().stream().filter(node -> !node.isAlive()).forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
    cluster.awaitVoters(3);
  }

  /** Does it again until it is acknowledged. */
  private static <T> T insist(Callable<T> what) {
    List<T> result = new ArrayList<>();
    Poll.until("an acknowledgement", TestCluster.PATIENCE, () -> result.add(what.call()));
    return result.get(0);
  }

  @Test
  void when_objects_of_many_kinds_are_used_then_they_work() throws Exception {
    RBucket<String> bucket = one.getBucket("bucket");
    bucket.set("v", Duration.ofSeconds(100));
    assertTrue(bucket.compareAndSet("v", "w"));
    assertTrue(one.getAtomicLong("number").compareAndSet(0, 41));
    assertEquals(42, two.getAtomicLong("number").incrementAndGet());

    RSemaphore semaphore = one.getSemaphore("semaphore");
    assertTrue(semaphore.trySetPermits(1));
    semaphore.acquire();
    assertFalse(two.getSemaphore("semaphore").tryAcquire());
    semaphore.release();

    RMapCache<String, String> cache = one.getMapCache("cache");
    cache.put("long", "x", 100, TimeUnit.SECONDS);
    cache.put("short", "y", 50, TimeUnit.MILLISECONDS);
    Poll.until("it has expired", Duration.ofSeconds(5), () -> cache.get("short") == null);
    assertEquals("x", cache.get("long"));

    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    RTopic topic = two.getTopic("topic");
    topic.addListener(String.class, (channel, message) -> heard.add(message));
    one.getTopic("topic").publish("news");
    assertEquals("news", heard.poll(10, TimeUnit.SECONDS));

    RStream<String, String> stream = one.getStream("stream");
    stream.createGroup(StreamCreateGroupArgs.name("group").makeStream());
    var id = stream.add(StreamAddArgs.entry("field", "value"));
    assertEquals(
        Map.of(id, Map.of("field", "value")),
        stream.readGroup(
            "group",
            "consumer",
            StreamReadGroupArgs.neverDelivered().timeout(Duration.ofSeconds(5))));
    assertEquals(1, stream.ack("group", id));

    RBatch batch = one.createBatch();
    batch.getAtomicLong("number").incrementAndGetAsync();
    batch.getBucket("bucket").getAsync();
    assertEquals(List.of(43L, "w"), batch.execute().getResponses());
    RTransaction transaction = one.createTransaction(TransactionOptions.defaults());
    transaction.getMap("transaction").put("key", "value");
    transaction.commit();
    assertEquals(Map.of("key", "value"), two.getMap("transaction").readAllMap());
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_a_lock_stays_with_its_holder(LeaderChange change)
      throws Exception {
    RFencedLock held = one.getFencedLock("held");
    long first = held.lockAndGetToken();
    ExecutorService waiter = Executors.newSingleThreadExecutor(); // locks belong to threads
    try {
      RFencedLock wanted = two.getFencedLock("held");
      Future<Long> second = waiter.submit(() -> insist(wanted::lockAndGetToken));
      change.run(cluster);
      long[] left = {insist(held::remainTimeToLive)};
      Poll.until(
          "the watchdog renews it at the next leader",
          LEASE,
          () -> {
            long former = left[0];
            left[0] = held.remainTimeToLive();
            return left[0] > former + 1000 && held.isHeldByCurrentThread();
          });
      assertFalse(second.isDone(), second::toString);

      release(held);
      // Sooner than the lease would end: it hears of it.
      assertTrue(second.get(LEASE.toMillis() / 2, TimeUnit.MILLISECONDS) > first);
      assertFalse(held.tryLock());
      waiter.submit(() -> release(wanted)).get();
      assertTrue(held.tryLock());
      release(held);
    } finally {
      waiter.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_only_one_at_a_time_is_in_a_lock(LeaderChange change)
      throws Exception {
    int rounds = 25;
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    List<Long> tokens = new ArrayList<>(); // guarded by the lock that is tested
    List<Future<?>> workers = new ArrayList<>();
    for (RedissonClient client : List.of(one, two)) {
      workers.add(
          elsewhere.submit(
              () -> {
                RFencedLock lock = client.getFencedLock("lock");
                RBucket<String> counter = client.getBucket("counter");
                for (int i = 0; i < rounds; i++) {
                  tokens.add(insist(lock::lockAndGetToken));
                  assertEquals(1, inside.incrementAndGet());
                  String former = insist(counter::get);
                  String next = "" + (former == null ? 1 : Integer.parseInt(former) + 1);
                  insist(
                      () -> {
                        counter.set(next);
                        return true;
                      });
                  inside.decrementAndGet();
                  release(lock);
                  done.incrementAndGet();
                }
                return null;
              }));
    }
    Poll.until("some rounds", TestCluster.PATIENCE, () -> done.get() > rounds / 2);
    change.run(cluster);
    for (Future<?> worker : workers) {
      worker.get(TestCluster.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    assertEquals("" + 2 * rounds, one.getBucket("counter").get());
    assertEquals(tokens.stream().sorted().distinct().toList(), tokens);
  }

  /** As often as it was taken: Redisson sends again what was not answered. */
  private static void release(RFencedLock lock) {
    insist(
        () -> {
          while (lock.isHeldByCurrentThread()) {
            lock.unlock();
          }
          return true;
        });
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_queues_go_on(LeaderChange change) throws Exception {
    RBlockingQueue<String> waited = one.getBlockingQueue("waited");
    Future<String> taken = elsewhere.submit(() -> insist(waited::take));
    RQueue<String> queue = one.getQueue("queue");
    List<String> offered = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      if (i == 10) {
        change.run(cluster);
      }
      String element = "e" + i;
      assertTrue(insist(() -> queue.offer(element)));
      offered.add(element);
    }
    // Sent again when it was not answered, so perhaps there twice.
    assertEquals(
        offered, List.copyOf(new LinkedHashSet<>(two.<String>getQueue("queue").readAll())));
    assertEquals("e0", insist(queue::poll));

    assertFalse(taken.isDone());
    assertTrue(two.getBlockingQueue("waited").offer("x"));
    assertEquals("x", taken.get(30, TimeUnit.SECONDS));
    assertNull(waited.poll());
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_a_map_loses_nothing(LeaderChange change) throws IOException {
    RMap<String, String> map = one.getMap("map");
    Map<String, String> put = new TreeMap<>();
    for (int i = 0; i < 60; i++) {
      if (i == 20) {
        change.run(cluster);
      }
      try {
        map.put("k" + i, "v" + i);
        put.put("k" + i, "v" + i);
      } catch (RedisException e) {
        System.out.println("put " + i + ": " + e);
      }
    }
    Map<String, String> found = new TreeMap<>(two.<String, String>getMap("map").readAllMap());
    found.keySet().retainAll(put.keySet());
    assertEquals(put, found);
    assertTrue(put.size() > 40, "most were acknowledged: " + put.size());
    assertEquals("v1", map.putIfAbsent("k1", "other"));
  }
}
