package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.StateMachineEntryProto;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.util.SizeInBytes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicatedLogStateMachineTest {
  @TempDir Path dir;
  private final List<String> fatal = new ArrayList<>();
  private RaftStorage storage;
  private ReplicatedLogStateMachine machine;

  @BeforeEach
  void open() throws IOException {
    storage =
        RaftStorage.newBuilder()
            .setDirectory(dir.resolve("raft").toFile())
            .setLogCorruptionPolicy(CorruptionPolicy.EXCEPTION)
            .setOption(RaftStorage.StartupOption.RECOVER)
            .setStorageFreeSpaceMin(SizeInBytes.valueOf(0))
            .build();
    storage.initialize();
    Applier applier =
        new Applier(
            work -> {},
            Executors.newSingleThreadExecutor(),
            (reason, cause) -> fatal.add(reason),
            () -> 0);
    machine =
        new ReplicatedLogStateMachine(
            durable ->
                PayloadLog.open(
                    dir.resolve("log"),
                    new LogIdentity("c", 1),
                    new LogOptions(1 << 20, 2000, 0),
                    durable),
            SnapshotStore.open(dir.resolve("snapshots")),
            applier,
            new ReplicatedLogStateMachine.GroupListener() {
              @Override
              public void onLeaderChanged() {}

              @Override
              public void onSnapshotNeeded(long firstAvailable) {}

              @Override
              public void onClosed() {}
            },
            (reason, cause) -> fatal.add(reason),
            1 << 20);
    RaftServer server =
        (RaftServer)
            Proxy.newProxyInstance(
                RaftServer.class.getClassLoader(),
                new Class<?>[] {RaftServer.class},
                (proxy, method, arguments) ->
                    method.getName().equals("getId") ? RaftPeerId.valueOf("n1") : null);
    machine.initialize(server, RaftGroupId.randomId(), storage);
  }

  @AfterEach
  void close() throws IOException {
    machine.closePayload();
    storage.close();
  }

  private static LogEntryProto entry(long index) {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SET", "key", "value");
    ByteBuffer body = out.nioBuffer();
    EntryHeader header = EntryHeader.of(EntryType.COMMANDS, 1, 1, body);
    return LogProtoUtils.toLogEntryProto(
        StateMachineLogEntryProto.newBuilder()
            .setLogData(ByteString.copyFrom(header.toBytes()))
            .setStateMachineEntry(
                StateMachineEntryProto.newBuilder().setStateMachineData(ByteString.copyFrom(body)))
            .build(),
        1,
        index);
  }

  @Test
  void when_ratis_closes_then_what_its_log_worker_still_does_is_no_error() throws IOException {
    machine.write(entry(1), null).join();
    machine.close();
    machine.write(entry(2), null).join();
    machine.flush(2).join();
    machine.closePayload();
    assertTrue(machine.flush(2).isCompletedExceptionally());
    assertTrue(machine.write(entry(3), null).isCompletedExceptionally());
    assertTrue(machine.truncate(1).isCompletedExceptionally());
    machine.notifyLogFailed(new IOException("closed"), null);
    assertEquals(List.of(), fatal);
  }

  @Test
  void when_a_write_fails_then_the_node_stops() {
    LogEntryProto twice = entry(1);
    machine.write(twice, null).join();
    assertTrue(machine.write(twice, null).isCompletedExceptionally());
    assertEquals(1, fatal.size());
  }

  @Test
  void when_an_appender_is_interrupted_while_it_reads_then_it_gets_the_entry() {
    for (int i = 1; i <= 500; i++) {
      machine.write(entry(i), null).join(); // more than stays in memory
    }
    Thread.currentThread().interrupt();
    assertFalse(machine.read(entry(1), null).join().isEmpty());
    assertTrue(Thread.interrupted());
    assertEquals(List.of(), fatal);
  }

  /** An appender may ask for what a new leader has had removed meanwhile. */
  @Test
  void when_an_entry_that_is_read_was_truncated_then_only_the_read_fails() {
    machine.write(entry(1), null).join();
    machine.truncate(1).join();
    LogEntryProto gone = entry(1);
    Throwable missing = assertThrows(CompletionException.class, machine.read(gone, null)::join);
    machine.notifyLogFailed(missing.getCause(), gone); // as Ratis does
    machine.notifyLogFailed(missing, gone);
    assertEquals(List.of(), fatal);
  }

  @Test
  void when_an_entry_that_is_read_has_another_term_then_only_the_read_fails() {
    machine.write(entry(1), null).join();
    LogEntryProto other = LogEntryProto.newBuilder(entry(1)).setTerm(2).build();
    assertTrue(machine.read(other, null).isCompletedExceptionally());
    assertEquals(List.of(), fatal);
  }

  @Test
  void when_payload_was_removed_behind_a_snapshot_then_only_its_reading_fails() throws IOException {
    machine.notifyTermIndexUpdated(1, 5);
    machine.payload().reset(1, 3);
    assertEquals(4, machine.firstReadableIndex());
    assertTrue(machine.read(entry(3), null).isCompletedExceptionally());
    assertEquals(List.of(), fatal);
    assertTrue(machine.read(entry(4), null).isCompletedExceptionally());
    assertEquals(1, fatal.size(), "that one should be there");
  }

  @Test
  void when_an_entry_that_is_read_is_damaged_then_the_node_stops() throws IOException {
    for (int i = 1; i <= 500; i++) {
      machine.write(entry(i), null).join();
    }
    try (Stream<Path> files = Files.list(dir.resolve("log"))) {
      Path segment = files.filter(f -> f.toString().endsWith(".resp")).findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(segment);
      bytes[540] ^= 1;
      Files.write(segment, bytes, StandardOpenOption.WRITE);
    }
    assertTrue(machine.read(entry(1), null).isCompletedExceptionally());
    assertEquals(1, fatal.size());
  }

  @Test
  void when_ratis_fails_to_write_its_log_then_the_node_stops() {
    machine.notifyLogFailed(new IOException("no space left"), entry(1));
    assertEquals(1, fatal.size());
  }

  @Test
  void when_an_entry_behind_a_truncation_is_flushed_then_the_truncation_is_over() {
    machine.write(entry(1), null).join();
    machine.write(entry(2), null).join();
    machine.truncate(2).join();
    machine.flush(1).join();
    assertTrue(machine.payload().interruptedTruncation().isPresent());
    machine.write(entry(2), null).join();
    machine.flush(2).join();
    assertFalse(machine.payload().interruptedTruncation().isPresent());
    assertEquals(List.of(), fatal);
  }
}
