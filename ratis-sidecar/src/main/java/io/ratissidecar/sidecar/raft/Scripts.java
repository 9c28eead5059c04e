package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.snapshot.FunctionDump;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.statemachine.command.CommandSpec;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import io.ratissidecar.statemachine.script.ListedCode;
import io.ratissidecar.statemachine.script.OwnScript;
import io.ratissidecar.statemachine.script.Prelude;
import io.ratissidecar.statemachine.script.Script;
import io.ratissidecar.statemachine.script.ScriptCatalog;
import io.ratissidecar.statemachine.script.ScriptCommands;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * The leader's knowledge of scripts. A script goes into the log once, in an entry before the first
 * that calls it; whoever wants to call it waits for that entry. So a call in the log always finds
 * its script.
 *
 * <p>What the log has is known from the local Redis, asked once in each term, when it had been sent
 * everything that was committed before the term; from then on by what this leader itself adds, once
 * it is applied. Until then it may still be lost. {@code SCRIPT FLUSH} counts from the moment at
 * which it goes into the log.
 *
 * <p>Confined to the front loop.
 */
public final class Scripts {
  /** Errors of scripts that can't be compiled, until whoever sent them has heard. */
  private static final int MOST_FAILED = 100;

  private final GroupView group;
  private final Applier applier;
  private final Sequencer sequencer;
  private final Executor loop;
  private final Consumer<Runnable> askAgainLater;
  private final IntSupplier seeds;
  private final int limitBytes;
  private final ScriptCatalog catalog = new ScriptCatalog();
  private final Map<String, String> failed = new HashMap<>();
  private final Map<String, Script> onTheirWay = new HashMap<>();
  private final WaitList waiters = new WaitList();
  private Prelude prelude;
  private int reserved;
  private long knownTerm = -1;
  private boolean asking;
  private long flushes;
  private BooleanSupplier outOfMemory = () -> false;
  private LongSupplier streamNodeEntries = () -> ScriptCommands.STREAM_NODE_ENTRIES;

  /**
   * @param askAgainLater runs a task on the loop after a while
   * @param seeds positive numbers that nobody can foresee
   * @param limitBytes how long an entry may be
   */
  Scripts(
      GroupView group,
      Applier applier,
      Sequencer sequencer,
      Executor loop,
      Consumer<Runnable> askAgainLater,
      IntSupplier seeds,
      int limitBytes) {
    this.group = group;
    this.applier = applier;
    this.sequencer = sequencer;
    this.loop = loop;
    this.askAgainLater = askAgainLater;
    this.seeds = seeds;
    this.limitBytes = limitBytes;
  }

  /**
   * What becomes of a command.
   *
   * @param open what is known of it so far
   * @param name the argument that is the command's name
   * @param clockMillis the entry's clock
   * @param database the database that the session has selected
   * @param protocol of the client
   * @param reservedDatabase the same in every call
   * @return null when it has to come again; {@link #whenKnown} tells when
   */
  public Plan plan(
      Plan.Open open,
      Request r,
      int name,
      long clockMillis,
      int database,
      int protocol,
      int reservedDatabase) {
    if (prelude == null) {
      prelude = Prelude.of(reservedDatabase, LogicalTime.SHIFT_MILLIS);
      reserved = reservedDatabase;
    }
    if (knownTerm != group.term()) {
      learn();
      return null;
    }
    if (open instanceof Plan.InPrelude plan) {
      OwnScript script = protocol == 3 ? OwnScript.COMMAND_RESP3 : OwnScript.COMMAND;
      return callOwn(
          script,
          plan.command(),
          plan.readOnly(),
          circumstances(clockMillis, database, streamNodeEntries.getAsLong()));
    }
    if (open instanceof Plan.Pop pop) {
      return callOwn(
          OwnScript.POP, OwnScript.arguments(pop), false, circumstances(clockMillis, database));
    }
    return about(((Plan.Script) open).command(), r, name, clockMillis, database);
  }

  private Plan callOwn(
      OwnScript script,
      byte[][] arguments,
      boolean readOnly,
      ScriptCommands.Circumstances circumstances) {
    Plan refused = install(script.sha(), script.body());
    String wrappedSha = catalog.find(script.sha());
    return wrappedSha == null
        ? refused
        : ScriptCommands.callOwn(wrappedSha, arguments, readOnly, circumstances);
  }

  private Plan about(CommandSpec command, Request r, int name, long clockMillis, int database) {
    return switch (command.name()) {
      case "eval", "evalsha" -> call(r, name, command, false, clockMillis, database);
      case "eval_ro", "evalsha_ro" -> call(r, name, command, true, clockMillis, database);
      case "script|load" -> {
        byte[] body = r.arg(name + 2);
        Plan wait = install(Script.sha1(body), body);
        yield wait != null || catalog.find(Script.sha1(body)) == null
            ? wait
            : new Plan.Answered(Script.sha1(body));
      }
      case "fcall", "fcall_ro" -> {
        Plan wrong = ScriptCommands.checkKeys(r, name);
        yield wrong != null
            ? wrong
            : ScriptCommands.callFunction(
                r, name, command.name().equals("fcall_ro"), circumstances(clockMillis, database));
      }
      case "function|load" -> loadLibrary(r, name);
      case "function|restore" -> restore(r, name);
      case "function|list", "function|dump" -> Plan.READ;
      case "script|exists" -> ScriptCommands.exists(r, name, catalog);
      case "script|flush" -> ScriptCommands.flush(r, name, reserved, database);
      default -> throw new IllegalStateException(command.name());
    };
  }

  private Plan call(
      Request r, int name, CommandSpec command, boolean readOnly, long clockMillis, int database) {
    Plan wrong = ScriptCommands.checkKeys(r, name);
    if (wrong != null) {
      return wrong;
    }
    String sha;
    if (command.name().startsWith("evalsha")) {
      sha = ScriptCommands.sha(r, name + 1);
    } else {
      byte[] body = r.arg(name + 1);
      sha = Script.sha1(body);
      Plan refused = install(sha, body);
      if (refused != null || catalog.find(sha) == null) {
        return refused;
      }
    }
    return ScriptCommands.call(
        r, name, catalog.find(sha), readOnly, circumstances(clockMillis, database));
  }

  private ScriptCommands.Circumstances circumstances(long clockMillis, int database) {
    return circumstances(clockMillis, database, ScriptCommands.STREAM_NODE_ENTRIES);
  }

  private ScriptCommands.Circumstances circumstances(long clockMillis, int database, long entries) {
    return new ScriptCommands.Circumstances(
        clockMillis, seeds.getAsInt(), database, outOfMemory.getAsBoolean(), entries);
  }

  private Plan loadLibrary(Request r, int name) {
    Plan.Rewritten load = ScriptCommands.loadLibrary(r, name, prelude);
    return Sequencer.encodedBytes(load.commands()[0]) > limitBytes ? tooLong() : load;
  }

  /** {@code FUNCTION RESTORE} of what users know as their code. */
  private Plan restore(Request r, int name) {
    if (r.argCount() - name > 4) {
      return new Plan.Refused(
          "ERR unknown subcommand or wrong number of arguments for '"
              + r.argString(name + 1)
              + "'. Try FUNCTION HELP.");
    }
    try {
      byte[] dump = FunctionDump.rewrite(r.arg(name + 2), prelude::ofCluster);
      Plan.Rewritten restore = ScriptCommands.restoreLibraries(r, name, dump);
      return Sequencer.encodedBytes(restore.commands()[0]) > limitBytes ? tooLong() : restore;
    } catch (InvalidSnapshotException e) {
      return new Plan.Refused("ERR " + e.getMessage());
    }
  }

  private Plan tooLong() {
    return new Plan.Refused(
        "ERR script is too long: with what the sidecar adds, an entry would be longer than"
            + " max-entry-bytes ("
            + limitBytes
            + ")");
  }

  /** Has {@code ~} in {@code XADD} and {@code XTRIM} reckon with nodes of so many entries. */
  public void streamNodeEntries(LongSupplier entries) {
    streamNodeEntries = entries;
  }

  /** Whether scripts get no memory. */
  public void outOfMemory(BooleanSupplier exceeded) {
    outOfMemory = exceeded;
  }

  /** A {@code SCRIPT FLUSH} goes into the log now. */
  public void flushed() {
    flushes++;
    catalog.clear();
  }

  /** Calls back once more is known, or will not be for now. */
  public void whenKnown(Runnable waiter) {
    if (asking || !onTheirWay.isEmpty()) {
      waiters.add(waiter);
    } else {
      loop.execute(waiter); // it has failed at once
    }
  }

  /**
   * Errors of scripts as clients have to see them.
   *
   * @param block whether the reply is that of an {@code EXEC}, with errors inside
   */
  public ReplyReceiver shown(ReplyReceiver receiver, boolean block) {
    return new Shown(receiver, block);
  }

  /** The reply of {@code FUNCTION LIST} as clients have to see it: with their own code. */
  public static ReplyReceiver listed(ReplyReceiver receiver) {
    return new Rewritten(receiver, ListedCode::copy);
  }

  /** The reply of {@code FUNCTION DUMP} as clients have to see it: with their own code. */
  public static ReplyReceiver dumped(ReplyReceiver receiver) {
    return new Rewritten(receiver, Scripts::copyDump);
  }

  private static void copyDump(ByteBuf reply, ByteBuf out) {
    if (RespValue.parse(reply.duplicate()) instanceof RespValue.Bulk dump) {
      Resp.writeBulk(out, withUsersCode(dump.bytes()));
    } else {
      out.writeBytes(reply);
    }
  }

  private static byte[] withUsersCode(byte[] dump) {
    try {
      return FunctionDump.rewrite(dump, Prelude::ofUser);
    } catch (InvalidSnapshotException e) {
      throw new IllegalStateException("the local Redis made a dump that can't be read", e);
    }
  }

  /** Has a script put into the log if it is not there; an error when it can't be. */
  private Plan install(String sha, byte[] body) {
    if (catalog.find(sha) != null || onTheirWay.containsKey(sha)) {
      return null;
    }
    String error = failed.remove(sha);
    if (error != null) {
      return new Plan.Refused(error);
    }
    Script script = Script.ofWrapped(prelude.wrap(body));
    if (2L * script.wrapped().length > limitBytes) {
      return tooLong();
    }
    onTheirWay.put(sha, script);
    compile(script);
    return null;
  }

  /** This node's Redis compiles it first: what it can't compile does not belong into the log. */
  private void compile(Script script) {
    ByteBuf load = Unpooled.buffer(script.wrapped().length + 64);
    Resp.command(load, ScriptCommands.load(script));
    applier.read(
        reserved,
        2,
        load,
        new Answer(
            reply -> {
              if (reply instanceof RespValue.Error error) {
                landed(script);
                fail(script, error.message());
              } else {
                propose(script);
              }
            },
            () -> landed(script)));
  }

  private void propose(Script script) {
    long before = flushes;
    sequencer.add(
        new Answer(
            reply -> {
              if (before == flushes && !(reply instanceof RespValue.Error)) {
                catalog.add(script);
              }
              landed(script);
            },
            () -> landed(script)),
        reserved,
        2,
        ScriptCommands.install(script),
        1);
  }

  private void fail(Script script, String error) {
    if (failed.size() >= MOST_FAILED) {
      failed.clear();
    }
    failed.put(script.sha(), error);
  }

  private void landed(Script script) {
    onTheirWay.remove(script.sha());
    wake();
  }

  private void learn() {
    if (asking) {
      return;
    }
    asking = true;
    long term = group.term();
    applier.whenSent(group.commitIndex(), () -> ask(term), this::notLearned);
  }

  private void ask(long term) {
    ByteBuf values = Unpooled.buffer(64);
    Resp.command(values, "HVALS", ScriptCommands.KEY);
    applier.read(
        reserved,
        2,
        values,
        new Answer(
            reply -> {
              if (reply instanceof RespValue.Error) { // such as BUSY
                askAgainLater.accept(this::notLearned);
                return;
              }
              List<Script> scripts = new ArrayList<>();
              for (RespValue wrapped : reply.asList()) {
                scripts.add(Script.ofWrapped(((RespValue.Bulk) wrapped).bytes()));
              }
              catalog.replace(scripts);
              onTheirWay.clear();
              flushes++; // what an earlier term's leadership proposed does not count here
              knownTerm = term;
              notLearned();
            },
            this::notLearned));
  }

  private void notLearned() {
    asking = false;
    wake();
  }

  private void wake() {
    waiters.wake();
  }

  /** One reply that this class itself waits for. */
  private record Answer(Consumer<RespValue> onReply, Runnable onFailed) implements ReplyReceiver {
    @Override
    public void reply(ByteBuf frame) {
      onReply.accept(RespValue.parse(frame.duplicate()));
    }

    @Override
    public void failed(Failure failure) {
      onFailed.run();
    }
  }

  /** Gives a script back its name in errors. */
  private final class Shown implements ReplyReceiver {
    private final ReplyReceiver receiver;
    private final boolean block;

    Shown(ReplyReceiver receiver, boolean block) {
      this.receiver = receiver;
      this.block = block;
    }

    @Override
    public void reply(ByteBuf frame) {
      byte first = frame.getByte(frame.readerIndex());
      if (first != '-' && !block) {
        receiver.reply(frame);
        return;
      }
      String text = frame.toString(StandardCharsets.ISO_8859_1);
      String shown = catalog.shown(text);
      if (shown.equals(text)) {
        receiver.reply(frame);
      } else {
        receiver.reply(Unpooled.wrappedBuffer(shown.getBytes(StandardCharsets.ISO_8859_1)));
      }
    }

    @Override
    public void failed(Failure failure) {
      receiver.failed(failure);
    }
  }

  /** Makes another reply of one. */
  private record Rewritten(ReplyReceiver receiver, BiConsumer<ByteBuf, ByteBuf> copy)
      implements ReplyReceiver {
    @Override
    public void reply(ByteBuf frame) {
      ByteBuf shown = Unpooled.buffer(frame.readableBytes());
      copy.accept(frame.duplicate(), shown);
      receiver.reply(shown);
    }

    @Override
    public void failed(Failure failure) {
      receiver.failed(failure);
    }
  }
}
