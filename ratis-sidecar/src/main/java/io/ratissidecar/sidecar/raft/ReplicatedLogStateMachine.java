package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.apply.PayloadCommands;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.SnapshotInfo;
import org.apache.ratis.statemachine.StateMachine;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.thirdparty.com.google.protobuf.UnsafeByteOperations;
import org.apache.ratis.util.JavaUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Ratis sees of us: a place for the payload of entries, and somebody to tell that entries are
 * committed. Applying them is the {@link Applier}'s work, at its own pace.
 *
 * <p>Called by Ratis on its own threads: the payload methods under its log lock or on its log
 * worker, {@link #applyTransaction} and the index notifications in order on its apply thread.
 */
final class ReplicatedLogStateMachine extends BaseStateMachine
    implements StateMachine.DataApi, NotifyingLogAppender.PayloadRange {
  private static final Logger LOG = LoggerFactory.getLogger(ReplicatedLogStateMachine.class);

  /** Payload in memory at a time while the log is looked through. */
  private static final int SCAN_BYTES = 1 << 20;

  /** From then on an operator wants to know what the node was doing. */
  private static final long SLOW_SCAN_MILLIS = 1000;

  /** Opens the payload log once Ratis has locked the directory. */
  @FunctionalInterface
  interface PayloadLogOpener {
    /**
     * @param knownDurable index up to which Ratis's log proves that payload was flushed
     */
    PayloadLog open(long knownDurable) throws IOException;
  }

  /** The entry that is to be read was removed, perhaps replaced by one of a newer term. */
  private static final class EntryGoneException extends IOException {
    private static final long serialVersionUID = 1L;

    EntryGoneException(LogEntryProto entry) {
      super("entry " + entry.getIndex() + " of term " + entry.getTerm() + " is not in the log");
    }
  }

  /** Hears of events of the group; any thread. */
  interface GroupListener {
    void onLeaderChanged();

    /** As {@link Replication.Listener#onSnapshotNeeded}. */
    void onSnapshotNeeded(long firstAvailable);

    /** Ratis ended this node's part in the group by itself. */
    void onClosed();
  }

  private final PayloadLogOpener opener;
  private final SnapshotStore snapshots;
  private final Applier applier;
  private final FatalHandler fatal;
  private final GroupListener listener;
  private final int entryLimitBytes;
  private RaftStorage storage;
  private final LogClock clock = new LogClock(System::currentTimeMillis, System::nanoTime);
  private volatile PayloadLog payload;
  private volatile boolean wasMember;

  /** Index of the configuration that was told last, if it names this node. */
  private volatile long namedAt = RaftLog.INVALID_LOG_INDEX;

  private volatile AfterTruncation afterTruncation;
  private volatile boolean closing;
  private long truncationsSeen;

  /**
   * The first entry written after a truncation; once it is flushed Ratis's own truncation is
   * durable too.
   */
  private record AfterTruncation(long index, long truncations) {}

  ReplicatedLogStateMachine(
      PayloadLogOpener opener,
      SnapshotStore snapshots,
      Applier applier,
      GroupListener listener,
      FatalHandler fatal,
      int entryLimitBytes) {
    this.opener = opener;
    this.snapshots = snapshots;
    this.applier = applier;
    this.listener = listener;
    this.fatal = fatal;
    this.entryLimitBytes = entryLimitBytes;
  }

  PayloadLog payload() {
    return payload;
  }

  @Override
  public long firstReadableIndex() {
    long start = payload.startIndex();
    return start <= 1 ? RaftLog.LEAST_VALID_LOG_INDEX : start; // nothing was dropped
  }

  LogClock clock() {
    return clock;
  }

  @Override
  public void initialize(RaftServer server, RaftGroupId groupId, RaftStorage raftStorage)
      throws IOException {
    super.initialize(server, groupId, raftStorage);
    storage = raftStorage;
    Optional<SnapshotManifest> snapshot = snapshots.latest().map(Snapshot::manifest);
    PayloadLog log =
        opener.open(new MetadataReconciler(storage, entryLimitBytes).lastPayloadIndex());
    try {
      new SnapshotReconciler(storage, entryLimitBytes).reconcile(snapshot, log);
      new MetadataReconciler(storage, entryLimitBytes)
          .reconcile(log, snapshot.map(SnapshotManifest::index).orElse(0L));
    } catch (IOException | RuntimeException e) {
      log.close();
      throw e;
    }
    Entry last = log.lastIndex() == 0 ? null : log.read(log.lastIndex());
    if (last != null) {
      clock.logged(last.header().leaderTimeMillis());
    }
    payload = log;
    applier.use(log);
    if (snapshot.isPresent()) {
      declareVoidUpTo(snapshot.get().index());
      // Ratis takes what a snapshot holds for applied, and does not apply it again.
      setLastAppliedTermIndex(termIndex(snapshot.get()));
      applier.committed(snapshot.get().index());
    }
  }

  /**
   * What the newest snapshot holds is not applied again by Ratis, so that nobody would hear of the
   * entries there that declare commands void. But Redis may be behind that snapshot, or get an
   * older one, and is sent what follows.
   */
  private void declareVoidUpTo(long snapshotIndex) throws IOException {
    long start = System.nanoTime();
    long first = Math.max(1, payload.startIndex());
    long next = first;
    while (next <= Math.min(snapshotIndex, payload.lastIndex())) {
      List<Entry> entries = payload.readRange(next, snapshotIndex, SCAN_BYTES);
      if (entries.isEmpty()) {
        break; // what is left are Ratis's own
      }
      for (Entry entry : entries) {
        if (entry.header().type() == EntryType.VOID) {
          applier.knownVoid(entry.index(), voided(entry));
        }
      }
      next = entries.get(entries.size() - 1).index() + 1;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    if (millis > SLOW_SCAN_MILLIS) {
      LOG.info("Looked through entries {} to {} of the log in {} ms", first, next - 1, millis);
    }
  }

  private static List<VoidedCommand> voided(Entry entry) throws IOException {
    return VoidedCommand.parse(PayloadCommands.lastArgument(entry.payload()));
  }

  private static TermIndex termIndex(SnapshotManifest snapshot) {
    return TermIndex.valueOf(snapshot.term(), snapshot.index());
  }

  /**
   * What is in it is our own business: Ratis only wants to know where its log may begin. One that
   * came from another node, and is ahead of this log, counts from the next start on.
   */
  @Override
  public SnapshotInfo getLatestSnapshot() {
    return snapshots.list().stream()
        .map(s -> termIndex(s.manifest()))
        .filter(at -> at.getIndex() <= getLastAppliedTermIndex().getIndex())
        .findFirst()
        .map(SnapshotAt::new)
        .orElse(null);
  }

  private record SnapshotAt(TermIndex at) implements SnapshotInfo {
    @Override
    public TermIndex getTermIndex() {
      return at;
    }

    @Override
    public List<FileInfo> getFiles() {
      return List.of();
    }
  }

  @Override
  public TransactionContext startTransaction(RaftClientRequest request) {
    Proposal proposal = (Proposal) request.getMessage();
    return TransactionContext.newBuilder()
        .setStateMachine(this)
        .setClientRequest(request)
        .setLogData(UnsafeByteOperations.unsafeWrap(proposal.header().toBytes()))
        .setStateMachineData(UnsafeByteOperations.unsafeWrap(proposal.payload()))
        .setStateMachineContext(proposal.batch())
        .build();
  }

  @Override
  public CompletableFuture<?> write(LogEntryProto proto, TransactionContext context) {
    try {
      StateMachineLogEntryProto data = proto.getStateMachineLogEntry();
      EntryHeader header = EntryHeader.parse(data.getLogData().asReadOnlyByteBuffer());
      ByteString bytes = data.getStateMachineEntry().getStateMachineData();
      ByteBuffer body = bytes.asReadOnlyByteBuffer();
      if (!header.describes(body)) {
        throw new IOException(
            "entry " + proto.getIndex() + " arrived with a payload that is not its own");
      }
      clock.logged(header.leaderTimeMillis());
      if (payload.truncations() != truncationsSeen) {
        truncationsSeen = payload.truncations();
        afterTruncation = new AfterTruncation(proto.getIndex(), truncationsSeen);
      }
      payload.append(new Entry(proto.getTerm(), proto.getIndex(), header, body));
      if (context != null && context.getStateMachineContext() instanceof Batch batch) {
        batch.appendedAt(proto.getTerm(), proto.getIndex());
      }
      return CompletableFuture.completedFuture(null);
    } catch (IOException | RuntimeException e) {
      return failed("can't write entry " + proto.getIndex() + " to the payload log", e);
    }
  }

  /**
   * Called by appenders. One may still ask for an entry that a new leader has had removed, or that
   * was just dropped behind a snapshot: that is the end of the appender's work, and no fault of
   * this node's.
   */
  @Override
  public CompletableFuture<ByteString> read(LogEntryProto proto, TransactionContext context) {
    try {
      Entry entry = payload.read(proto.getIndex());
      if (entry == null || entry.term() != proto.getTerm()) {
        TermIndex applied = getLastAppliedTermIndex();
        boolean wasDropped = proto.getIndex() < payload.startIndex();
        if (!wasDropped && applied != null && proto.getIndex() <= applied.getIndex()) {
          throw new IOException("its payload is missing"); // nobody removes what is committed
        }
        LOG.info("Entry {} of term {} is not here any more", proto.getIndex(), proto.getTerm());
        return CompletableFuture.failedFuture(new EntryGoneException(proto));
      }
      return CompletableFuture.completedFuture(UnsafeByteOperations.unsafeWrap(entry.payload()));
    } catch (IOException | RuntimeException e) {
      return failed("can't read entry " + proto.getIndex() + " of the payload log", e);
    }
  }

  @Override
  public CompletableFuture<Void> flush(long index) {
    try {
      // On this thread: it is Ratis's log worker, which has nothing to do until the payload is on
      // disk.
      payload.flush();
      AfterTruncation after = afterTruncation;
      if (after != null && index >= after.index()) {
        // Ratis runs its own truncation on this thread before it writes any later entry, but does
        // not sync it.
        syncMetadata();
        payload.truncateDone(after.truncations());
        afterTruncation = null;
      }
      return CompletableFuture.completedFuture(null);
    } catch (IOException | RuntimeException e) {
      return failed("can't flush the payload log", e);
    }
  }

  @Override
  public CompletableFuture<Void> truncate(long index) {
    try {
      payload.truncateFrom(
          index); // the first removed index, whatever the parameter is called in the API
      return CompletableFuture.completedFuture(null);
    } catch (IOException | RuntimeException e) {
      return failed("can't truncate the payload log at " + index, e);
    }
  }

  private <T> CompletableFuture<T> failed(String what, Throwable e) {
    if (!closing) {
      fatal.stop(what, e);
    }
    return CompletableFuture.failedFuture(e);
  }

  /**
   * Syncs names and lengths of Ratis's segments. A truncation touched at most two of them, and the
   * entries behind it one more.
   */
  private void syncMetadata() throws IOException {
    Path directory = storage.getStorageDir().getCurrentDir().toPath();
    List<Path> segments = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "log_*")) {
      files.forEach(segments::add);
    }
    segments.sort(Comparator.comparing((Path file) -> file.toFile().lastModified()).reversed());
    for (Path file : segments.subList(0, Math.min(3, segments.size()))) {
      sync(file, StandardOpenOption.WRITE);
    }
    sync(directory, StandardOpenOption.READ);
  }

  private static void sync(Path file, StandardOpenOption mode) throws IOException {
    try (FileChannel channel = FileChannel.open(file, mode)) {
      channel.force(true);
    }
  }

  @Override
  public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
    LogEntryProto entry = transaction.getLogEntry();
    updateLastAppliedTermIndex(entry.getTerm(), entry.getIndex());
    if (typeOf(entry) == EntryType.VOID && !declareVoid(entry.getIndex())) {
      return CompletableFuture.completedFuture(Message.EMPTY); // the node stops
    }
    applier.committed(entry.getIndex());
    return CompletableFuture.completedFuture(Message.EMPTY);
  }

  private static EntryType typeOf(LogEntryProto entry) {
    return EntryHeader.parse(entry.getStateMachineLogEntry().getLogData().asReadOnlyByteBuffer())
        .type();
  }

  private boolean declareVoid(long index) {
    String problem = "it names no command";
    Exception cause = null;
    try {
      Entry entry = payload.read(index);
      List<VoidedCommand> commands = entry == null ? List.of() : voided(entry);
      if (!commands.isEmpty()) {
        applier.voided(index, commands);
        return true;
      }
    } catch (IOException | RuntimeException e) {
      problem = "it can't be read";
      cause = e;
    }
    fatal.stop("entry " + index + " should declare commands void, but " + problem, cause);
    return false;
  }

  @Override
  public void notifyTermIndexUpdated(long term, long index) {
    wasMember |= index == namedAt;
    updateLastAppliedTermIndex(term, index);
    applier.gap(index);
  }

  @Override
  public void notifyConfigurationChanged(
      long term, long index, RaftConfigurationProto configuration) {
    ByteString self = getServer().join().getId().toByteString();
    // Ratis also tells of the configuration that a leader has sent along, committed or not.
    boolean named =
        Stream.concat(
                configuration.getPeersList().stream(), configuration.getListenersList().stream())
            .anyMatch(peer -> peer.getId().equals(self));
    namedAt = named ? index : RaftLog.INVALID_LOG_INDEX;
  }

  /** True when a committed configuration has named this node since it was started. */
  boolean wasMember() {
    return wasMember;
  }

  @Override
  public void notifyLeaderChanged(RaftGroupMemberId member, RaftPeerId leader) {
    listener.onLeaderChanged();
  }

  @Override
  public void notifyLeaderReady() {
    listener.onLeaderChanged();
  }

  /**
   * Called when a task of Ratis's log worker has failed: it refuses everything from then on while
   * the process would live on. Called as well with what {@link #read} failed with, where the node
   * was stopped if it has to be.
   */
  @Override
  public void notifyLogFailed(Throwable cause, LogEntryProto failedEntry) {
    if (!(JavaUtils.unwrapCompletionException(cause) instanceof EntryGoneException)) {
      failed("Ratis can't write its log", cause);
    }
  }

  @Override
  public void notifyServerShutdown(RoleInfoProto roleInfo, boolean allServer) {
    if (!allServer) {
      listener.onClosed();
    }
  }

  /**
   * Answers at once that there is none, and is asked again with every heartbeat: while an answer is
   * due Ratis takes no entries, and can't cope with another leader. A snapshot that comes is not
   * installed into this log; the node begins anew behind it.
   */
  @Override
  public CompletableFuture<TermIndex> notifyInstallSnapshotFromLeader(
      RoleInfoProto role, TermIndex firstAvailable) {
    listener.onSnapshotNeeded(firstAvailable.getIndex());
    return CompletableFuture.completedFuture(null);
  }

  /** Never asked for: snapshots are taken, and the log is purged behind them, without Ratis. */
  @Override
  public long takeSnapshot() {
    return RaftLog.INVALID_LOG_INDEX;
  }

  /**
   * Ratis is done with applying; its log worker may still be at work, so the payload log stays open
   * until {@link #closePayload}.
   */
  @Override
  public void close() throws IOException {
    closing = true;
    super.close();
    listener.onClosed();
  }

  /** Once Ratis has ended altogether. */
  void closePayload() throws IOException {
    closing = true;
    PayloadLog log = payload;
    if (log != null) {
      log.close();
    }
  }
}
