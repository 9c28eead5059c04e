package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.blocking.BlockedClients;
import io.ratissidecar.sidecar.config.Mode;
import io.ratissidecar.sidecar.resp.ClientConnection;
import io.ratissidecar.sidecar.resp.RequestSink;
import io.ratissidecar.statemachine.resp.Request;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One client: its handlers and its own connections, wired, and what Redis keeps per connection
 * (database, protocol, name, reply mode). The order of its replies is {@link ReplyQueue}'s; what
 * commands mean is in the handlers that it hands them to.
 */
public final class Session implements RequestSink {
  /** What {@code CLIENT REPLY} asked for. */
  enum ReplyMode {
    ON,
    OFF
  }

  private final long id;
  private final ClientConnection client;
  private final Services services;
  private final ReplyQueue replies;
  private final RaftCommands raft;
  private final SessionCommands own;
  private final LocalRedisLane local;
  private final ProxyLane proxy;
  private final long createdNanos;
  private long lastCommandNanos;
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

  /** A request has waited for what Redis says, and comes again. */
  private boolean askedWhetherBusy;

  public Session(ClientConnection client, Services services) {
    this.id = services.sessions().nextId();
    this.client = client;
    this.services = services;
    this.replies = new ReplyQueue(client, services.config().maxPendingCommands());
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
    if (!replies.takesRequests()) {
      return false;
    }
    if (local.ownsConnection(request)) {
      return local.forward(request);
    }
    boolean accepted = dispatch(request);
    if (accepted) {
      askedWhetherBusy = false;
      lastCommandNanos = services.nanoTime();
    }
    return accepted;
  }

  private boolean dispatch(Request request) {
    if (!authenticated && !own.mayRunUnauthenticated(request)) {
      slot(Lane.IMMEDIATE).error("NOAUTH Authentication required.");
      return true;
    }
    if (local.inTransaction()) {
      return own.inTransaction(request);
    }
    if (request.argIs(0, "RAFT")) {
      return raft.handle(request, 1);
    }
    // Redis has a SENTINEL in another mode only, so that the table of its commands does not.
    if (RaftCommands.isAdministrative(request) || request.argIs(0, "SENTINEL")) {
      return administer(request);
    }
    if (services.config().mode() == Mode.TRANSPARENT
        && (raft.inTransaction() || services.commands().isReplicated(request))) {
      return raft.handle(request, 0);
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

  /** As {@link ReplyQueue#enter}. */
  boolean enter(Lane next) {
    return replies.enter(next);
  }

  /** As {@link ReplyQueue#isUnderWay}. */
  boolean isUnderWay(Lane lane) {
    return replies.isUnderWay(lane);
  }

  /** As {@link ReplyQueue#awaitReplies}. */
  boolean awaitReplies() {
    return replies.awaitReplies();
  }

  /** As {@link ReplyQueue#holdUntilAnswered}. */
  void holdUntilAnswered() {
    replies.holdUntilAnswered();
  }

  /**
   * Whether {@link Services#busy} tells how Redis is now that this request has come. When false,
   * the request comes again once it does: who has just seen a script end is not refused for it.
   *
   * @param doubt whether it may be busy although it is not known to be
   */
  boolean knowsWhetherBusy(boolean doubt) {
    askedWhetherBusy = !askedWhetherBusy && (doubt || services.busy().isPresent());
    if (askedWhetherBusy) {
      holdUntil(services::whenBusyAsked);
    }
    return !askedWhetherBusy;
  }

  /** Has the same request come again once the callback is run. */
  void holdUntil(Consumer<Runnable> event) {
    event.accept(client::resume);
  }

  /** The next place in the order of replies. */
  Slot slot(Lane onLane) {
    return slot(onLane, replyMode == ReplyMode.OFF || skipping);
  }

  /** As {@link #slot}, for what {@code CLIENT REPLY} does not silence. */
  Slot audibleSlot(Lane onLane) {
    return slot(onLane, false);
  }

  private Slot slot(Lane onLane, boolean silent) {
    skipping = false;
    Slot slot = new Slot(replies, services, onLane, silent);
    replies.add(slot);
    return slot;
  }

  @Override
  public void onProtocolError(String error) {
    slot(Lane.IMMEDIATE).error(error);
    close();
  }

  @Override
  public void onInputEnd(boolean complete) {
    local.endInput();
    proxy.endInput();
    raft.inputEnded();
    if (complete) {
      close();
    }
  }

  @Override
  public void onClosed() {
    replies.close();
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

  /**
   * Sends what tells a client with a cache to drop something. Reads go to Redis by another way, so
   * that the reply to one which has seen the former value may come later than this: the client
   * would keep that value for ever. So the replies that are due come first.
   */
  void invalidate(ByteBuf frame) {
    if (replies.isUnderWay(Lane.LOCAL)) {
      push(frame); // both come from one connection, in Redis's own order
    } else {
      Slot place = new Slot(replies, services, Lane.IMMEDIATE, false);
      replies.addBehindDue(place);
      place.reply(frame);
    }
  }

  /** Takes no more requests, and ends the connection after the replies that are due. */
  public void close() {
    client.stopReading();
    replies.end();
  }

  /** Forgets everything that the client set; what {@code RESET} does. */
  void reset() {
    local.close();
    proxy.close();
    proxy.forgetWatched();
    raft.close();
    database = 0;
    protocol = 2;
    name = "";
    replyMode = ReplyMode.ON;
    skipping = false;
    setAuthenticated(services.config().password().isEmpty());
  }

  /** Ends a wait for data; false when it does not wait. */
  boolean unblock(boolean withError) {
    return raft.unblock(withError)
        || proxy.unblock(withError ? Optional.of(BlockedClients.UNBLOCKED) : Optional.empty());
  }

  /** As {@link #close}, of a client that should ask who leads: it waits no more. */
  void closeForNextLeader() {
    proxy.unblock(Optional.of(BlockedClients.NOT_LEADING));
    close();
  }

  /** How many commands wait for an {@code EXEC}; -1 outside of a transaction. */
  int queuedCommands() {
    return local.inTransaction() ? local.queuedCommands() : raft.queuedCommands();
  }

  boolean hasPending() {
    return !replies.isEmpty();
  }

  boolean isClosed() {
    return replies.isClosed();
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
