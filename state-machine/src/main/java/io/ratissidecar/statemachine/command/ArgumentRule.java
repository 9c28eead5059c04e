package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.Locale;

/**
 * What a command's arguments decide: a rewrite, or a refusal. {@code commands.tsv} names the
 * constants, the code is in the classes behind them.
 *
 * <p>Arguments that Redis would reject whatever its clock and data stay as they are, for Redis to
 * reject in its own words. An option that no rule knows is a syntax error at once: a newer Redis
 * might understand it, and it might be relative to a clock.
 */
public enum ArgumentRule {
  /** Nothing: the policy holds as it is. */
  NONE((r, name, now, database, reserved) -> null),
  /** {@code SET}: a time becomes PXAT. */
  SET_EXPIRY((r, name, now, database, reserved) -> OptionExpiry.set(r, name, now)),
  /** {@code GETEX}: a time becomes PXAT; without an option it is a read. */
  GETEX_EXPIRY((r, name, now, database, reserved) -> OptionExpiry.getex(r, name, now)),
  /** {@code SETEX} becomes SET with PXAT. */
  SETEX((r, name, now, database, reserved) -> FixedExpiry.setex(r, name, now)),
  /** {@code PSETEX} becomes SET with PXAT. */
  PSETEX((r, name, now, database, reserved) -> FixedExpiry.psetex(r, name, now)),
  /** {@code EXPIRE} becomes PEXPIREAT. */
  EXPIRE_SECONDS((r, name, now, database, reserved) -> FixedExpiry.expire(r, name, now)),
  /** {@code PEXPIRE} becomes PEXPIREAT. */
  EXPIRE_MILLIS((r, name, now, database, reserved) -> FixedExpiry.pexpire(r, name, now)),
  /** {@code EXPIREAT} becomes PEXPIREAT. */
  EXPIRE_AT_SECONDS((r, name, now, database, reserved) -> FixedExpiry.expireat(r, name, now)),
  /** {@code PEXPIREAT} gets the deadline as Redis is to keep it. */
  EXPIRE_AT_MILLIS(
      (r, name, now, database, reserved) -> FixedExpiry.absolutePexpireat(r, name, now)),
  /** {@code TTL}, counted from the log's clock. */
  TTL((r, name, now, database, reserved) -> new Plan.Deadline(r.arg(name + 1), DeadlineReply.TTL)),
  /** {@code PTTL}, counted from the log's clock. */
  PTTL(
      (r, name, now, database, reserved) -> new Plan.Deadline(r.arg(name + 1), DeadlineReply.PTTL)),
  /** {@code EXPIRETIME}, the user's. */
  EXPIRETIME(
      (r, name, now, database, reserved) ->
          new Plan.Deadline(r.arg(name + 1), DeadlineReply.EXPIRETIME)),
  /** {@code PEXPIRETIME}, the user's. */
  PEXPIRETIME(
      (r, name, now, database, reserved) ->
          new Plan.Deadline(r.arg(name + 1), DeadlineReply.PEXPIRETIME)),
  /** {@code RESTORE} with a time gets ABSTTL. */
  RESTORE_TTL((r, name, now, database, reserved) -> FixedExpiry.restore(r, name, now)),
  /** {@code FLUSHALL} flushes the databases of the clients one by one. */
  FLUSH_ALL(
      (r, name, now, database, reserved) -> DatabaseRules.flushAll(r, name, database, reserved)),
  /** {@code COPY} to the reserved database is out of range. */
  COPY_DATABASE((r, name, now, database, reserved) -> DatabaseRules.copy(r, name, reserved)),
  /** {@code MOVE} to the reserved database is out of range. */
  MOVE_DATABASE((r, name, now, database, reserved) -> DatabaseRules.move(r, name, reserved)),
  /** {@code SWAPDB} of the reserved database is out of range. */
  SWAP_DATABASES((r, name, now, database, reserved) -> DatabaseRules.swap(r, name, reserved)),
  /** {@code SORT} is a read without STORE, and gets an order where Redis has none. */
  SORT_STORE((r, name, now, database, reserved) -> OrderRules.sort(r, name)),
  /** {@code GEOSEARCHSTORE} loses ANY. */
  GEOSEARCH_STORE((r, name, now, database, reserved) -> OrderRules.geosearchstore(r, name)),
  /** {@code GEORADIUS} is a read without STORE, and loses ANY if it stores. */
  GEORADIUS_STORE((r, name, now, database, reserved) -> OrderRules.georadius(r, name)),
  /** {@code ZRANGESTORE} by texts finds what lies in the range. */
  ZRANGE_STORE((r, name, now, database, reserved) -> OrderRules.zrangestore(r, name)),
  /** {@code SPOP} takes what the leader has chosen. */
  SPOP((r, name, now, database, reserved) -> SetRules.spop(r, name)),
  /** {@code XADD} takes a generated ID from the clock; what {@code ~} trims is reckoned. */
  XADD((r, name, now, database, reserved) -> StreamRules.xadd(r, name)),
  /** {@code XTRIM}: what {@code ~} trims is reckoned. */
  XTRIM((r, name, now, database, reserved) -> StreamRules.xtrim(r, name)),
  /** What the prelude makes of it, which has the clock, and an order where Redis has none. */
  IN_PRELUDE((r, name, now, database, reserved) -> StreamRules.inPrelude(r, name, false, false)),
  /** {@code TIME}. */
  TIME(
      (r, name, now, database, reserved) ->
          r.argCount() - name == 1 ? StreamRules.inPrelude(r, name, true, false) : null),
  /** {@code XPENDING} with idle times. */
  XPENDING((r, name, now, database, reserved) -> StreamRules.xpending(r, name)),
  /** {@code XREADGROUP} delivers at the entry's clock, and may wait. */
  XREADGROUP((r, name, now, database, reserved) -> StreamRules.xreadgroup(r, name)),
  /** {@code BLPOP} waits. */
  BLPOP((r, name, now, database, reserved) -> BlockingRules.popAny(r, name, "LPOP")),
  /** {@code BRPOP} waits. */
  BRPOP((r, name, now, database, reserved) -> BlockingRules.popAny(r, name, "RPOP")),
  /** {@code BZPOPMIN} waits. */
  BZPOPMIN((r, name, now, database, reserved) -> BlockingRules.popAny(r, name, "ZPOPMIN")),
  /** {@code BZPOPMAX} waits. */
  BZPOPMAX((r, name, now, database, reserved) -> BlockingRules.popAny(r, name, "ZPOPMAX")),
  /** {@code BLMPOP} waits; {@code LMPOP} is logged. */
  BLMPOP(
      (r, name, now, database, reserved) ->
          BlockingRules.popMany(r, name, "LMPOP", "LEFT", "RIGHT")),
  /** {@code BZMPOP} waits; {@code ZMPOP} is logged. */
  BZMPOP(
      (r, name, now, database, reserved) -> BlockingRules.popMany(r, name, "ZMPOP", "MIN", "MAX")),
  /** {@code BLMOVE} waits; {@code LMOVE} is logged. */
  BLMOVE((r, name, now, database, reserved) -> BlockingRules.move(r, name)),
  /** {@code BRPOPLPUSH} waits; {@code RPOPLPUSH} is logged. */
  BRPOPLPUSH((r, name, now, database, reserved) -> BlockingRules.popPush(r, name)),
  /** {@code XREAD} may wait. */
  XREAD_BLOCK((r, name, now, database, reserved) -> StreamRules.xread(r, name)),
  /** {@code CONFIG SET} of what replication may depend on is refused. */
  CONFIG_SET((r, name, now, database, reserved) -> SettingRules.configSet(r, name));

  private final Check check;

  ArgumentRule(Check check) {
    this.check = check;
  }

  /** The constant that a line of {@code commands.tsv} names. */
  static ArgumentRule named(String text) {
    return text.equals("-") ? NONE : valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  /**
   * What the arguments decide. The number of arguments was checked. Allocates nothing where it
   * decides nothing.
   *
   * @param name the argument that is the command's name
   * @param nowMillis the entry's clock
   * @param database the database that the session has selected
   * @param reserved the database that clients must not reach, the last one
   * @return null if the arguments leave it to the policy
   */
  Plan apply(Request r, int name, long nowMillis, int database, int reserved) {
    return check.apply(r, name, nowMillis, database, reserved);
  }

  /**
   * Whether its refusals hold in explicit mode too: it keeps clients away from the reserved
   * database, or from what replication depends on.
   */
  boolean guardsNode() {
    return this == COPY_DATABASE
        || this == MOVE_DATABASE
        || this == SWAP_DATABASES
        || this == CONFIG_SET;
  }

  /** Whether it makes a {@link Plan.Deadline}, which holds in explicit mode too. */
  boolean asksForDeadline() {
    return this == TTL || this == PTTL || this == EXPIRETIME || this == PEXPIRETIME;
  }

  /** The code of a rule. */
  @FunctionalInterface
  interface Check {
    Plan apply(Request r, int name, long nowMillis, int database, int reserved);
  }
}
