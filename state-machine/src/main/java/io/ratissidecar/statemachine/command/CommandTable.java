package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What every command of local Redis is and does here: {@code commands.tsv} merged with the reply of
 * {@code COMMAND}.
 *
 * <p>Commands that local Redis has and the file does not name: a plain read is a read; anything
 * else, and whatever comes from a module unless the operator vouches for it, is refused, since
 * nobody looked whether replicas would stay alike. Redis 6.2 does not tell its subcommands: there
 * the file's are taken, with the container's arity and flags, and one that the file does not name
 * is what its container is.
 *
 * <p>Immutable; for any thread. Finding and planning allocate nothing for commands that go on as
 * they are.
 */
public final class CommandTable {
  private static final Plan NO_COMMAND =
      new Plan.Refused("ERR wrong number of arguments for 'raft' command");

  private final NameIndex<Row> index;
  private final Map<String, CommandSpec> specs;
  private final KeyFinder keys;
  private final int databases;

  private CommandTable(
      Map<String, Row> rows, Map<String, CommandSpec> specs, KeyFinder keys, int databases) {
    this.keys = keys;
    this.index = new NameIndex<>(rows);
    this.specs = Collections.unmodifiableMap(specs);
    this.databases = databases;
  }

  /**
   * Builds the table for a local Redis.
   *
   * @param commandReply the reply of {@code COMMAND}, in RESP2 or RESP3
   * @param databases the number of databases of local Redis, at least 2; the last one is reserved
   * @param moduleCommands commands of modules, lower case, that the operator vouches for: a plain
   *     read is a read, anything else goes into the log as it is
   * @throws IllegalStateException when the reply is not one of {@code COMMAND}
   * @throws ModuleCommandException when one of these is no command of a module, or may wait
   */
  public static CommandTable of(RespValue commandReply, int databases, Set<String> moduleCommands) {
    if (databases < 2) {
      throw new IllegalArgumentException("one database is reserved, so two are needed");
    }
    Map<String, Row> rows = new LinkedHashMap<>();
    Map<String, CommandSpec> specs = new LinkedHashMap<>();
    CommandReply reply = new CommandReply(PolicyFile.load(moduleCommands));
    for (RespValue element : commandReply.asList()) {
      Row row = reply.row(element.asList());
      rows.put(row.spec.name(), row);
      specs.put(row.spec.name(), row.spec);
      row.subcommandSpecs.forEach(spec -> specs.put(spec.name(), spec));
    }
    moduleCommands.forEach(name -> check(name, specs));
    return new CommandTable(rows, specs, KeyFinder.of(commandReply.asList()), databases);
  }

  private static void check(String name, Map<String, CommandSpec> specs) {
    CommandSpec spec = specs.get(name);
    String named = "'replicate-module-commands' names '" + name + "', which ";
    if (spec == null || !PolicyFile.isOfModule(name, spec.flags())) {
      throw new ModuleCommandException(
          named + "is no command of a module there: load the module on every node");
    }
    boolean waits =
        specs.values().stream()
            .filter(s -> s.name().equals(name) || s.name().startsWith(name + "|"))
            .anyMatch(CommandSpec::blocking);
    if (waits) {
      throw new ModuleCommandException(named + "may wait: all behind it in the log would wait too");
    }
  }

  /**
   * The command that argument {@code nameArg} names, or its subcommand by the argument behind.
   *
   * @return null if local Redis has no such command or subcommand
   */
  public CommandSpec find(Request r, int nameArg) {
    Row row = index.find(r.buffer(), r.argStart(nameArg), r.argLength(nameArg));
    Row sub = row == null ? null : row.resolve(r, nameArg);
    return sub == null ? null : sub.spec;
  }

  /**
   * The command of a name in any case, a subcommand's as {@code config|get}.
   *
   * @return null if local Redis has no such command
   */
  public CommandSpec find(String name) {
    return specs.get(name.toLowerCase(Locale.ROOT));
  }

  /**
   * What becomes of a command that is to be replicated or read linearizably. Checks, with the
   * errors of Redis 7: that it exists, the number of arguments, whether it is refused, what its
   * arguments decide.
   *
   * <p>A refusal within a {@code MULTI} is one at queueing time: the transaction has to be aborted,
   * as for an unknown command.
   *
   * @param nameArg the argument that is the command's name, 1 behind a {@code RAFT}
   * @param nowMillis the entry's clock, which relative times are counted from
   * @param database the database that the session has selected
   */
  public Plan plan(Request r, int nameArg, long nowMillis, int database) {
    if (nameArg >= r.argCount()) {
      return NO_COMMAND;
    }
    Row top = index.find(r.buffer(), r.argStart(nameArg), r.argLength(nameArg));
    if (top == null) {
      return new Plan.Refused(ErrorTexts.unknownCommand(r, nameArg));
    }
    Row row = top.resolve(r, nameArg);
    if (row == null) {
      return new Plan.Refused(ErrorTexts.unknownSubcommand(r, nameArg));
    }
    CommandSpec spec = row.spec;
    if (!spec.accepts(r.argCount() - nameArg)) {
      return new Plan.Refused(ErrorTexts.wrongNumberOfArguments(spec));
    }
    if (spec.rule() != ArgumentRule.NONE) {
      Plan decided = spec.rule().apply(r, nameArg, nowMillis, database, reservedDatabase());
      if (decided != null) {
        return decided;
      }
    }
    return row.plan;
  }

  /**
   * What becomes of a command without {@code RAFT} in explicit mode. What local Redis does not
   * know, it may say itself; commands of the session are checked for their number of arguments.
   */
  public LocalPlan planLocal(Request r) {
    Row top = index.find(r.buffer(), r.argStart(0), r.argLength(0));
    Row row = top == null ? null : top.resolve(r, 0);
    if (row == null) {
      return top == null ? LocalPlan.PASS : top.unknownSubcommand(r);
    }
    CommandSpec spec = row.spec;
    boolean accepted = spec.accepts(r.argCount());
    if (spec.local() == LocalPolicy.SESSION && !accepted) {
      return new LocalPlan.Refused(ErrorTexts.wrongNumberOfArguments(spec));
    }
    if (accepted
        && spec.rule().guardsNode()
        && spec.rule().apply(r, 0, 0, 0, reservedDatabase()) instanceof Plan.Refused refused) {
      return new LocalPlan.Refused(refused.error());
    }
    if (accepted && spec.rule().asksForDeadline()) {
      Plan.Deadline plan = (Plan.Deadline) spec.rule().apply(r, 0, 0, 0, reservedDatabase());
      return new LocalPlan.Deadline(plan.key(), plan.reply());
    }
    return row.localPlan;
  }

  /**
   * Whether transparent mode takes a command without {@code RAFT} for one with it. If not, {@link
   * #planLocal} says what becomes of it. What local Redis does not know counts as replicated, so
   * that every node refuses it in the same words.
   */
  public boolean isReplicated(Request r) {
    CommandSpec spec = find(r, 0);
    return spec == null || spec.transparent() == TransparentPolicy.RAFT;
  }

  /** Whether Redis itself lets a command into no {@code MULTI}. */
  public boolean refusesTransaction(Request r, int nameArg) {
    CommandSpec spec = find(r, nameArg);
    return spec != null && spec.flags().contains("no_multi");
  }

  /**
   * Whether the reply to a command that is replicated counts the subscribers of the Redis that
   * gives it, and so tells of a node and not of the data.
   */
  public boolean countsSubscribers(Request r) {
    CommandSpec spec = find(r, 0);
    return spec != null && spec.flags().contains("pubsub");
  }

  /** What local Redis is asked for a deadline that it keeps. */
  public byte[][] deadlineQuestion(byte[] key) {
    return specs.containsKey("pexpiretime")
        ? DeadlineScript.pexpiretime(key)
        : DeadlineScript.stored(key);
  }

  /** All commands and subcommands of local Redis. */
  public Collection<CommandSpec> all() {
    return specs.values();
  }

  /** Which keys commands name. */
  public KeyFinder keys() {
    return keys;
  }

  /** The database that clients must not reach: the last one. */
  public int reservedDatabase() {
    return databases - 1;
  }
}
