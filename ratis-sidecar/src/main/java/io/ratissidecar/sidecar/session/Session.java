package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.ratissidecar.sidecar.resp.ClientConnection;
import io.ratissidecar.sidecar.resp.RequestSink;
import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * One client: the order of its replies, its lanes, and what Redis keeps per connection (database,
 * protocol, name, reply mode, transaction). What commands mean is in the handlers that it hands
 * them to.
 */
public final class Session implements RequestSink {
  /** What {@code CLIENT REPLY} asked for. */
  enum ReplyMode {
    ON,
    OFF
  }

  /**
   * What one client may have waiting behind an unanswered command: requests at the local Redis, and
   * replies that came out of order. Beyond it the client has to wait.
   */
  private static final long WAITING_BYTES = 1 << 20;

  private final long id;
  private final ClientConnection client;
  private final Services services;
  private final ArrayDeque<Slot> slots = new ArrayDeque<>();
  private final RaftCommands raft;
  private final SessionCommands own;
  private final LocalRedisLane local;
  private final ProxyLane proxy;
  private final long createdNanos;
  private long lastCommandNanos;
  private Lane lane = Lane.IMMEDIATE;
  private int laneOutstanding;
  private long waitingBytes;
  private boolean resumeWhenDrained;
  private boolean ending;
  private boolean holding;
  private boolean closed;
  private boolean authenticated;
  private int database;
  private int protocol = 2;
  private String name = "";
  private String libraryName = "";
  private String libraryVersion = "";
  private String lastCommand = "";
  private ReplyMode replyMode = ReplyMode.ON;
  private boolean skipping;
  private boolean fromPeer;

  public Session(ClientConnection client, Services services) {
    this.id = services.sessions().nextId();
    this.client = client;
    this.services = services;
    this.raft = new RaftCommands(this);
    this.own = new SessionCommands(this);
    this.local = new LocalRedisLane(this);
    this.proxy = new ProxyLane(this);
    setAuthenticated(services.config().password().isEmpty());
    this.createdNanos = services.nanoTime();
    this.lastCommandNanos = createdNanos;
    services.sessions().add(this);
  }

  @Override
  public boolean accept(Request request) {
    if (slots.size() >= services.config().maxPendingCommands()) {
      resumeWhenDrained = true;
      return false;
    }
    if ((holding || waitingBytes > WAITING_BYTES) && !awaitReplies()) {
      return false;
    }
    holding = false;
    if (local.ownsConnection(request)) {
      return local.forward(request);
    }
    boolean accepted = dispatch(request);
    if (accepted) {
      services.sessions().countCommand();
      lastCommandNanos = services.nanoTime();
    }
    return accepted;
  }

  private boolean dispatch(Request request) {
    if (!authenticated && !own.mayRunUnauthenticated(request)) {
      slot(Lane.IMMEDIATE).error("NOAUTH Authentication required.");
      return true;
    }
    if (request.argIs(0, "RAFT")) {
      return raft.handle(request);
    }
    if (RaftCommands.isAdministrative(request)) {
      return administer(request);
    }
    return own.handle(request);
  }

  /** Runs a command of the sidecar's own that may take a while. */
  boolean administer(Request request) {
    if (!enter(Lane.ADMIN)) {
      return false;
    }
    Slot slot = slot(Lane.ADMIN);
    services.administer(request.copyFrom(0), this, slot::reply);
    return true;
  }

  /**
   * Takes a lane for the next command.
   *
   * @return false when earlier commands on another lane have to be answered first; the request will
   *     come again
   */
  boolean enter(Lane next) {
    if (lane != next && !awaitReplies()) {
      return false;
    }
    lane = next;
    return true;
  }

  /**
   * True when every earlier command was answered.
   *
   * @return false when some were not; the request will come again
   */
  boolean awaitReplies() {
    if (laneOutstanding > 0) {
      resumeWhenDrained = true;
      return false;
    }
    return true;
  }

  /**
   * The reply to the command that was sent just now decides how the next one is understood, which
   * therefore waits for it.
   */
  void holdUntilAnswered() {
    holding = true;
  }

  /** Has the same request come again once the callback is run. */
  void holdUntil(Consumer<Runnable> event) {
    event.accept(client::resume);
  }

  /** The next place in the order of replies. */
  Slot slot(Lane onLane) {
    boolean silent = replyMode == ReplyMode.OFF || skipping;
    skipping = false;
    Slot slot = new Slot(this, onLane, silent);
    slots.add(slot);
    if (onLane != Lane.IMMEDIATE) {
      laneOutstanding++;
    }
    return slot;
  }

  void waiting(long bytes) {
    waitingBytes += bytes;
  }

  boolean isFirst(Slot slot) {
    return slots.peek() == slot; // identity: slots have no equality of their own
  }

  void deliver(Slot slot, ByteBuf frame) {
    slots.poll();
    left(slot);
    if (!slot.isSilent()) {
      client.write(frame);
    }
    Slot next;
    while ((next = slots.peek()) != null && next.isFilled()) {
      slots.poll();
      ByteBuf early = next.takeEarly();
      if (early != null) {
        client.write(early);
        early.release();
      }
    }
    if (ending && slots.isEmpty()) {
      client.closeAfterReplies();
    }
    resumeIfDrained();
  }

  void filledEarly(Slot slot) {
    left(slot);
    resumeIfDrained();
  }

  private void left(Slot slot) {
    if (slot.lane() != Lane.IMMEDIATE) {
      laneOutstanding--;
      waiting(-slot.weight());
    }
  }

  private void resumeIfDrained() {
    if (resumeWhenDrained && laneOutstanding == 0) {
      resumeWhenDrained = false;
      client.resume();
    }
  }

  @Override
  public void onProtocolError(String error) {
    slot(Lane.IMMEDIATE).error(error);
    close();
  }

  @Override
  public void onInputEnd(boolean complete) {
    local.endInput();
    if (complete) {
      close();
    }
  }

  @Override
  public void onClosed() {
    closed = true;
    Slot slot;
    while ((slot = slots.poll()) != null) {
      ByteBuf early = slot.takeEarly();
      if (early != null) {
        early.release();
      }
    }
    local.close();
    proxy.close();
    raft.close();
    services.sessions().remove(this);
  }

  @Override
  public void onWritable(boolean writable) {
    local.setReading(writable);
    proxy.setReading(writable);
  }

  /** Sends something that answers no command: a message to a subscriber, a push. */
  void push(ByteBuf frame) {
    client.write(frame);
  }

  /** Takes no more requests, and ends the connection after the replies that are due. */
  public void close() {
    ending = true;
    client.stopReading();
    if (slots.isEmpty()) {
      client.closeAfterReplies();
    }
  }

  /** Forgets everything that the client set; what {@code RESET} does. */
  void reset() {
    local.close();
    proxy.close();
    raft.close();
    database = 0;
    protocol = 2;
    name = "";
    replyMode = ReplyMode.ON;
    skipping = false;
    setAuthenticated(services.config().password().isEmpty());
  }

  ByteBuf allocate() {
    ByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
    return allocator.buffer(128);
  }

  boolean hasPending() {
    return !slots.isEmpty();
  }

  boolean isClosed() {
    return closed;
  }

  /** The client's number on this node, as in {@code CLIENT ID}. */
  public long id() {
    return id;
  }

  ClientConnection client() {
    return client;
  }

  Services services() {
    return services;
  }

  LocalRedisLane local() {
    return local;
  }

  ProxyLane proxy() {
    return proxy;
  }

  RaftCommands raft() {
    return raft;
  }

  /** The database that the client selected. */
  public int database() {
    return database;
  }

  void selectDatabase(int selected) {
    database = selected;
  }

  /** 2 or 3. */
  public int protocol() {
    return protocol;
  }

  void useProtocol(int version) {
    protocol = version;
  }

  String name() {
    return name;
  }

  void setName(String newName) {
    name = newName;
  }

  void setLibrary(String newName, String newVersion) {
    libraryName = newName == null ? libraryName : newName;
    libraryVersion = newVersion == null ? libraryVersion : newVersion;
  }

  String libraryName() {
    return libraryName;
  }

  String libraryVersion() {
    return libraryVersion;
  }

  String lastCommand() {
    return lastCommand;
  }

  void setLastCommand(String command) {
    lastCommand = command;
  }

  long createdNanos() {
    return createdNanos;
  }

  long lastCommandNanos() {
    return lastCommandNanos;
  }

  void setReplyMode(ReplyMode mode) {
    replyMode = mode;
  }

  void skipNextReply() {
    skipping = true;
  }

  ReplyMode replyMode() {
    return replyMode;
  }

  void setAuthenticated(boolean yes) {
    authenticated = yes;
    client.setAuthenticated(yes);
  }

  boolean isAuthenticated() {
    return authenticated;
  }

  /** True for a connection over which another node forwards its clients' commands. */
  boolean isFromPeer() {
    return fromPeer;
  }

  /** This connection comes from another node, so its commands are never forwarded again. */
  public void setFromPeer() {
    fromPeer = true;
  }
}
