package io.ratissidecar.sidecar.session;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All clients of this node, by id. Confined to the front loop. */
public final class SessionRegistry {
  private final Map<Long, Session> sessions = new LinkedHashMap<>();
  private final QueuedBytes queued = new QueuedBytes();
  private long lastId;
  private long proxied;
  private long proxyFailures;
  private long proxyOutstanding;
  private long throttled;

  /** What the transactions of all clients hold. */
  QueuedBytes queued() {
    return queued;
  }

  long nextId() {
    return ++lastId;
  }

  void add(Session session) {
    sessions.put(session.id(), session);
  }

  void remove(Session session) {
    sessions.remove(session.id());
  }

  Collection<Session> all() {
    return List.copyOf(sessions.values());
  }

  void countProxied() {
    proxied++;
    proxyOutstanding++;
  }

  void countProxyAnswer() {
    proxyOutstanding--;
  }

  void countThrottled() {
    throttled++;
  }

  void countProxyFailure() {
    proxyFailures++;
  }

  /** Clients connected now. */
  public int count() {
    return sessions.size();
  }

  /** Commands forwarded to a leader since the start. */
  public long commandsProxied() {
    return proxied;
  }

  /** Forwarded commands that failed on the way since the start. */
  public long proxyFailures() {
    return proxyFailures;
  }

  /** Forwarded commands that wait for the leader's reply. */
  public long proxyOutstanding() {
    return proxyOutstanding;
  }

  /** How often a client had to wait because enough commands were pending already. */
  public long commandsThrottled() {
    return throttled;
  }

  /** True when no client waits for a reply. */
  public boolean isQuiet() {
    return sessions.values().stream().noneMatch(Session::hasPending);
  }

  /**
   * Ends the connections of those who may have come since this node led, after their pending
   * replies: a client that was told so by a sentinel would not ask again before. Subscribers hear
   * everything here, too, and other nodes know.
   */
  public void closeThoseOfFormerLeader() {
    all().stream()
        .filter(session -> !session.isFromPeer() && !session.local().subscriptions().any())
        .forEach(Session::closeForNextLeader);
  }

  /** Ends every connection after its pending replies. */
  public void closeAll() {
    all().forEach(Session::close);
  }
}
