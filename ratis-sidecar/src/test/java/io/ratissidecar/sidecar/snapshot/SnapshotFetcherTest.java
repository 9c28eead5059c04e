package io.ratissidecar.sidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.UnusedPort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.membership.ClusterHost;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.membership.PeerCommands;
import io.ratissidecar.sidecar.membership.PeerProtocol;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.ClientConnection;
import io.ratissidecar.sidecar.resp.ClientServer;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RequestSink;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sender and receiver over real sockets. */
class SnapshotFetcherTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final int BIG = 5 << 20;

  @TempDir Path dir;
  private final FrontLoop front = new FrontLoop();
  private final ExecutorService reader = Executors.newSingleThreadExecutor();
  private final AtomicLong now = new AtomicLong();
  private final List<Long> sleeps = new ArrayList<>();
  private final AtomicInteger chunksAsked = new AtomicInteger();

  /** Numbers of requests for chunks, from 1, at which the sender ends the connection. */
  private final Set<Integer> cuts = ConcurrentHashMap.newKeySet();

  private final List<Snapshot> doubted = new CopyOnWriteArrayList<>();
  private volatile Runnable beforeChunk = () -> {};
  private SnapshotStore theirs;
  private SnapshotStore ours;
  private SnapshotSender sender;
  private ClientServer server;
  private String address;

  @BeforeEach
  void start() throws IOException {
    theirs = SnapshotStore.open(dir.resolve("theirs"));
    ours = SnapshotStore.open(dir.resolve("ours"));
    sender = sender(Long.MAX_VALUE);
    int port = UnusedPort.next();
    address = "127.0.0.1:" + port;
    // A node that needs no Raft group to know its cluster: it was removed from it.
    Files.writeString(
        dir.resolve("node.properties"),
        "version=1\nincarnation=i\ncluster-id="
            + CLUSTER
            + "\nnode-id=1\njoined=true\nremoved=true\nmembers=\n");
    SidecarConfig config =
        SidecarConfig.of(Map.of("dir", dir.toString(), "port", Integer.toString(port)));
    ClusterHost noHost =
        (ClusterHost)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ClusterHost.class},
                (proxy, method, arguments) -> {
                  throw new UnsupportedOperationException(method.getName());
                });
    Membership membership =
        new Membership(
            config,
            front,
            noHost,
            (reason, cause) -> {
              throw new AssertionError(reason, cause);
            });
    membership.start();
    PeerCommands commands = new PeerCommands(membership, sender, index -> List.of());
    server = new ClientServer(front, config, client -> new Conversation(client, commands));
    server.start();
  }

  private SnapshotSender sender(long maxReplyBytes) {
    SoundSnapshots sound = new SoundSnapshots(theirs, index -> false);
    return new SnapshotSender(sound, reader, doubted::add, now::get, maxReplyBytes);
  }

  @AfterEach
  void stop() {
    server.stop();
    front.close();
    reader.shutdownNow();
  }

  /** Answers messages between nodes and nothing else. */
  private final class Conversation implements RequestSink {
    private final ClientConnection client;
    private final PeerCommands commands;

    Conversation(ClientConnection client, PeerCommands commands) {
      this.client = client;
      this.commands = commands;
    }

    @Override
    public boolean accept(Request request) {
      if (request.argString(1).equals(PeerProtocol.CHUNK)) {
        beforeChunk.run();
        if (cuts.contains(chunksAsked.incrementAndGet())) {
          client.close();
          return true;
        }
      }
      commands.run(request, () -> {}).whenCompleteAsync(this::reply, front.loop());
      return true;
    }

    private void reply(Consumer<ByteBuf> writer, Throwable error) {
      ByteBuf out = client.output(512);
      if (error == null) {
        writer.accept(out);
      } else {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        Resp.writeError(out, cause.getMessage());
      }
    }

    @Override
    public void onProtocolError(String error) {
      client.close();
    }

    @Override
    public void onInputEnd(boolean complete) {
      client.close();
    }

    @Override
    public void onClosed() {}

    @Override
    public void onWritable(boolean writable) {}
  }

  private Snapshot publish(long index, int bytes) {
    try {
      return TestSnapshots.publish(theirs, CLUSTER, index, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private SnapshotFetcher fetcher(long bytesPerSecond) {
    return new SnapshotFetcher(
        ours,
        CLUSTER,
        () -> Integer.MAX_VALUE,
        Optional.empty(),
        bytesPerSecond,
        now::get,
        nanos -> {
          sleeps.add(nanos);
          now.addAndGet(nanos);
        });
  }

  private void assertSame(Snapshot expected, Snapshot actual) throws IOException {
    assertEquals(expected.manifest(), actual.manifest());
    assertArrayEquals(Files.readAllBytes(expected.rdb()), Files.readAllBytes(actual.rdb()));
    assertEquals(Optional.of(actual), ours.latest());
  }

  private RespValue ask(String clusterId, String word, String... arguments) throws IOException {
    Duration patience = Duration.ofSeconds(10);
    try (BlockingRespClient client =
        BlockingRespClient.connect(
            RespEndpoint.parse(address, Optional.empty()), patience, patience)) {
      return client.call(PeerProtocol.message(word, clusterId, arguments));
    }
  }

  @Test
  void when_another_node_has_a_snapshot_then_it_arrives() throws Exception {
    Snapshot snapshot = publish(42, BIG);
    SnapshotFetcher fetcher = fetcher(0);
    assertEquals(new Progress(0, 0), fetcher.progress());
    assertSame(snapshot, fetcher.fetch(address, 42, () -> true).orElseThrow());
    assertEquals(List.of(), sleeps);
    assertEquals(6, chunksAsked.get());
    long size = snapshot.manifest().rdbBytes();
    assertEquals(new Progress(size, size), fetcher.progress());
  }

  @Test
  void when_the_connection_is_lost_then_it_goes_on_after_a_pause() throws Exception {
    Snapshot snapshot = publish(42, BIG);
    cuts.addAll(Set.of(1, 2, 3, 5));
    assertSame(snapshot, fetcher(0).fetch(address, 42, () -> true).orElseThrow());
    // It comes back to the same piece; each piece that arrives makes the next pause short again.
    assertEquals(List.of(100L, 200L, 400L, 100L), millis());
    assertEquals(6 + cuts.size(), chunksAsked.get());
  }

  private List<Long> millis() {
    return sleeps.stream().map(TimeUnit.NANOSECONDS::toMillis).toList();
  }

  @Test
  void when_nobody_is_there_then_the_pauses_grow_until_it_is_not_wanted() throws Exception {
    server.stop();
    Optional<Snapshot> none = fetcher(0).fetch(address, 1, () -> sleeps.size() < 8);
    assertEquals(Optional.empty(), none);
    assertEquals(List.of(100L, 200L, 400L, 800L, 1600L, 3200L, 5000L, 5000L), millis());
  }

  @Test
  void when_it_is_not_wanted_in_the_middle_then_it_ends_and_goes_on_later() throws Exception {
    Snapshot snapshot = publish(42, BIG);
    assertEquals(Optional.empty(), fetcher(0).fetch(address, 42, () -> chunksAsked.get() < 3));
    assertEquals(List.of(), ours.list());
    assertSame(snapshot, fetcher(0).fetch(address, 42, () -> true).orElseThrow());
    assertEquals(6, chunksAsked.get());
  }

  @Test
  void when_the_snapshot_is_deleted_meanwhile_then_the_newer_one_comes() throws Exception {
    publish(42, BIG);
    beforeChunk =
        () -> {
          if (chunksAsked.get() == 2) {
            publish(50, 100);
            try {
              theirs.retain(theirs.latest().orElseThrow()::equals);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    Snapshot got = fetcher(0).fetch(address, 42, () -> true).orElseThrow();
    assertSame(theirs.latest().orElseThrow(), got);
    assertEquals(50, got.manifest().index());
  }

  @Test
  void when_what_comes_is_always_damaged_then_the_pauses_grow() throws Exception {
    Snapshot snapshot = publish(42, 1000);
    byte[] bytes = Files.readAllBytes(snapshot.rdb());
    bytes[500] ^= 1;
    Files.write(snapshot.rdb(), bytes);
    fetcher(0).fetch(address, 42, () -> sleeps.size() < 4);
    assertEquals(List.of(100L, 200L, 400L, 800L), millis());
    assertEquals(List.of(), ours.list());
  }

  @Test
  void when_there_is_no_snapshot_yet_then_it_waits_for_one() throws Exception {
    Optional<Snapshot> got =
        fetcher(0)
            .fetch(
                address,
                42,
                () -> {
                  if (sleeps.size() == 2 && theirs.list().isEmpty()) {
                    publish(42, 10);
                  }
                  return sleeps.size() < 3;
                });
    assertTrue(got.isPresent());
  }

  @Test
  void when_the_bandwidth_is_limited_then_it_takes_as_long_as_it_should() throws Exception {
    Snapshot snapshot = publish(42, 1 << 20);
    assertSame(snapshot, fetcher(100_000).fetch(address, 42, () -> true).orElseThrow());
    assertEquals(snapshot.manifest().rdbBytes() * 10_000.0, now.get(), 10_000);
  }

  @Test
  void when_asked_for_what_is_not_there_then_the_refusal_has_its_own_code() throws Exception {
    assertEquals(
        new RespValue.Error("NOSNAPSHOT this node has none"), ask(CLUSTER, PeerProtocol.SNAPSHOT));
    publish(42, 10);
    assertEquals(
        new RespValue.Error("NOSNAPSHOT there is none of entry 42 of term 4"),
        ask(CLUSTER, PeerProtocol.CHUNK, "42", "4", "0", "10"));
    assertEquals(
        new RespValue.Error("NOSNAPSHOT there is none of entry 41 of term 3"),
        ask(CLUSTER, PeerProtocol.SNAPSHOT, "41", "3"));
    for (String[] wrong :
        List.of(
            new String[] {"42", "3", "0"},
            new String[] {"42", "3", "0", "x"},
            new String[] {"42", "3", "0", "0"},
            new String[] {"42", "3", "-1", "1"})) {
      RespValue reply = ask(CLUSTER, PeerProtocol.CHUNK, wrong);
      assertInstanceOf(RespValue.Error.class, reply);
    }
    assertInstanceOf(RespValue.Error.class, ask("another", PeerProtocol.SNAPSHOT));
    assertInstanceOf(RespValue.Bulk.class, ask(CLUSTER, PeerProtocol.SNAPSHOT));
  }

  @Test
  void when_much_is_asked_for_then_no_more_comes_than_a_connection_may_hold() throws Exception {
    Snapshot snapshot = publish(42, BIG);
    assertEquals(1 << 20, sender.chunk(42, 3, 0, Integer.MAX_VALUE).get().length);
    SnapshotSender small = sender(65536);
    assertEquals(32768, small.chunk(42, 3, 0, 1 << 20).get().length);
    long end = snapshot.manifest().rdbBytes();
    assertEquals(5, small.chunk(42, 3, end - 5, 1 << 20).get().length);
    assertEquals(0, small.chunk(42, 3, end + 5, 1 << 20).get().length);
  }

  @Test
  void when_a_snapshot_was_read_then_it_is_pinned_for_a_while() throws Exception {
    Snapshot old = publish(42, 10);
    Snapshot newer = publish(50, 10);
    publish(60, 10);
    Predicate<Snapshot> kept = s -> s.equals(theirs.latest().get()) || sender.isPinned(s);
    assertEquals(Optional.empty(), sender.oldestPinned());
    sender.chunk(50, 3, 0, 10).get();
    now.addAndGet(SnapshotSender.PIN_NANOS / 2);
    sender.manifest(42, 3).get();
    assertEquals(Optional.of(old), sender.oldestPinned());
    theirs.retain(kept);
    assertEquals(3, theirs.list().size());

    now.addAndGet(SnapshotSender.PIN_NANOS / 2 - 1);
    assertTrue(sender.isPinned(newer));
    now.addAndGet(1);
    theirs.retain(kept);
    assertEquals(2, theirs.list().size());
    sender.chunk(42, 3, 10, 10).get(); // once more, so it lasts longer
    now.addAndGet(SnapshotSender.PIN_NANOS - 1);
    assertTrue(sender.isPinned(old));
    now.addAndGet(1);
    assertEquals(Optional.empty(), sender.oldestPinned());
    theirs.retain(kept);
    assertEquals(1, theirs.list().size());
  }

  @Test
  void when_what_came_is_damaged_then_the_sender_checks_it_and_offers_another() throws Exception {
    Snapshot older = publish(42, 10);
    Snapshot newest = publish(50, BIG);
    byte[] bytes = Files.readAllBytes(newest.rdb());
    bytes[bytes.length / 2] ^= 1;
    Files.write(newest.rdb(), bytes);
    AtomicInteger asked = new AtomicInteger();
    beforeChunk =
        () -> {
          if (asked.incrementAndGet() > BIG / Snapshot.MAX_CHUNK_BYTES + 1) {
            doubted.forEach(theirs::markDamaged); // as the one who checks does
          }
        };
    assertSame(older, fetcher(0).fetch(address, 42, () -> true).orElseThrow());
    assertEquals(List.of(newest), doubted.stream().distinct().toList());
  }

  @Test
  void when_it_is_interrupted_then_it_ends() {
    publish(42, 10);
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> fetcher(0).fetch(address, 42, () -> true));
  }
}
