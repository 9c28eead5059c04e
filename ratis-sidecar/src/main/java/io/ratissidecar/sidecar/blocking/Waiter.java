package io.ratissidecar.sidecar.blocking;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.command.Plan;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Consumer;

/** One client that waits in one command. */
public final class Waiter {
  private final Client client;
  private final int database;
  private final int protocol;
  private Plan.Blocking plan;
  private final List<DatabaseKey> keys;
  private ScheduledFuture<?> timeout;
  private final Set<DatabaseKey> unseen;
  private boolean justCome = true;
  private final Set<DatabaseKey> stale = new HashSet<>();
  private boolean groupGone;
  private boolean waited;
  private boolean confirming;
  private boolean confirmed;
  private boolean trying;
  private boolean again;
  private boolean passedOver;
  private boolean expired;
  private boolean over;
  private String lastError;

  /** Who waits: the place of the reply. */
  public interface Client extends ReplyReceiver {
    /** Makes a reply that no Redis has given. */
    void reply(Consumer<ByteBuf> writer);
  }

  /**
   * @param database that the client has selected
   * @param protocol of the client
   */
  public Waiter(Client client, int database, int protocol, Plan.Blocking plan) {
    this.client = client;
    this.database = database;
    this.protocol = protocol;
    this.plan = plan;
    this.keys = plan.keys().stream().map(key -> new DatabaseKey(database, key)).distinct().toList();
    this.unseen = new HashSet<>(keys);
  }

  Client client() {
    return client;
  }

  int database() {
    return database;
  }

  int protocol() {
    return protocol;
  }

  Plan.Blocking plan() {
    return plan;
  }

  /** Whether others may have the same as well. */
  boolean isReader() {
    return plan.kind() == Plan.Waiting.TO_READ;
  }

  /** Whether it is one of a group's consumers. */
  boolean isInGroup() {
    return plan.kind() == Plan.Waiting.IN_GROUP;
  }

  /** Whether a key of the type, in Redis's words, may hold what it waits for. */
  boolean canUse(String type) {
    return type.equals(plan.type());
  }

  /** What is waited for is known more exactly. */
  void plan(Plan.Blocking completed) {
    plan = completed;
  }

  /**
   * Whether the other finds nothing either when this one does: a consumer of the same group that
   * waits for the same streams.
   */
  boolean isLike(Waiter other) {
    return plan.kind() == Plan.Waiting.IN_GROUP
        && other.plan.kind() == Plan.Waiting.IN_GROUP
        && keys.equals(other.keys)
        && Arrays.equals(group(), other.group());
  }

  /** The word behind GROUP, before which other options may stand. */
  private byte[] group() {
    byte[][] words = plan.words();
    int at = 1;
    while (at < words.length - 1 && !isWord(words[at], "GROUP")) {
      at += isWord(words[at], "NOACK") ? 1 : 2; // COUNT and BLOCK have a value
    }
    return words[Math.min(at + 1, words.length - 1)];
  }

  private static boolean isWord(byte[] bytes, String word) {
    return new String(bytes, StandardCharsets.US_ASCII).equalsIgnoreCase(word);
  }

  List<DatabaseKey> keys() {
    return keys;
  }

  void timeout(ScheduledFuture<?> scheduled) {
    timeout = scheduled;
  }

  /** True while its command is on its way through the log. */
  boolean isTrying() {
    return trying;
  }

  void trying() {
    trying = true;
    again = false;
  }

  /** A key may have changed after its command was on its way. */
  void tryAgain() {
    again = true;
  }

  /**
   * Its command found nothing.
   *
   * @return whether that may have changed since
   */
  boolean waitOn() {
    trying = false;
    waited = true;
    return again;
  }

  /** Its keys held nothing of use to it, so that others come first until one of them changes. */
  void passOver(boolean yes) {
    passedOver = yes;
    waited |= yes;
  }

  /** One of its keys may have changed, perhaps after its command was executed. */
  void keyChanged() {
    passedOver = false;
    again |= trying;
  }

  boolean isPassedOver() {
    return passedOver;
  }

  /** One of its keys was looked at. */
  void lookedAt(DatabaseKey key) {
    unseen.remove(key);
    justCome &= !unseen.isEmpty();
    waited |= unseen.isEmpty() && !trying && !isInGroup(); // which tries in any case
  }

  /** What is wrong with its keys would have been its answer already. */
  void cameBefore() {
    justCome = false;
  }

  /** True until every key was looked at once: till then an error is the answer. */
  boolean hasJustCome() {
    return justCome;
  }

  /** Whether there was nothing for it, at first at least. */
  boolean hasWaited() {
    return waited;
  }

  /** True while keys have to be looked at before its waiting may end for nothing. */
  boolean hasToLook() {
    return !unseen.isEmpty();
  }

  /**
   * Its group is not there any more; its keys are looked at once more before it hears so.
   *
   * @param underWay keys that are being looked at, as they were before
   */
  void groupGone(Set<DatabaseKey> underWay) {
    groupGone = true;
    unseen.addAll(keys);
    stale.addAll(keys);
    stale.retainAll(underWay);
  }

  /** Whether a look that has just come is from before its group was gone. */
  boolean isStale(DatabaseKey key) {
    return stale.remove(key);
  }

  /** Whether the other is a consumer of a group of that name, at a stream that both wait for. */
  boolean isOfSameGroup(Waiter other) {
    return isInGroup()
        && other.isInGroup()
        && Arrays.equals(group(), other.group())
        && !Collections.disjoint(keys, other.keys);
  }

  boolean isGroupGone() {
    return groupGone;
  }

  /**
   * Its time is over, and it is being found out whether this node still leads.
   *
   * @return whether that had not begun yet
   */
  boolean beginConfirming() {
    boolean begins = !confirming;
    confirming = true;
    return begins;
  }

  /** It could not be found out. */
  void confirmAgain() {
    confirming = false;
  }

  /** This node has led after the time was over, so that what the keys hold from then on counts. */
  void confirmed() {
    confirmed = true;
    unseen.addAll(keys);
  }

  boolean isConfirmed() {
    return confirmed;
  }

  /** Its time was over while its command was on its way. */
  void expired() {
    expired = true;
  }

  boolean isExpired() {
    return expired;
  }

  /** An error ends the waiting unless the command that is on its way brings something. */
  void endWith(String error) {
    lastError = error;
  }

  /** Null for none. */
  String lastError() {
    return lastError;
  }

  boolean isOver() {
    return over;
  }

  void over() {
    over = true;
    if (timeout != null) {
      timeout.cancel(false);
    }
  }
}
