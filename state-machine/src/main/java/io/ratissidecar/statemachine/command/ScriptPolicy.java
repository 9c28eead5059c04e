package io.ratissidecar.statemachine.command;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which commands a replicated script may call as they are: those that may be logged or read, whose
 * arguments decide nothing, and whose replies do not come from the node.
 *
 * @param allowed names, each with a space before and behind; a subcommand as {@code
 *     object|encoding}
 * @param refused names that the command table knows and a script may not call, likewise
 * @param needy those that may need memory, as Redis flags them ({@code denyoom}), likewise
 * @param writing those that write and need none, likewise
 */
public record ScriptPolicy(String allowed, String refused, String needy, String writing) {
  private static final Pattern HANDLED = Pattern.compile("\\bc == '([a-z_]+)'");

  /**
   * Fine as reads of one node, but their replies come from its clock, memory or settings. A dump
   * shows how a value is packed, in which order a hash table has it, and when consumers were seen.
   */
  private static final Set<String> OF_THE_NODE =
      Set.of(
          "dump",
          "object|encoding",
          "object|refcount",
          "object|idletime",
          "object|freq",
          "memory|usage",
          "xinfo|stream",
          "xinfo|consumers",
          "lolwut",
          "digest",
          "hexpireat",
          "hpexpireat",
          "hexpiretime",
          "hpexpiretime",
          "httl",
          "hpttl");

  /** What may need memory: what Redis flags {@code denyoom}. */
  static final Set<String> NEEDY =
      Set.of(
          ("append bitfield bitop blmove brpoplpush copy decr decrby geoadd georadius"
                  + " georadiusbymember geosearchstore getset hincrby hincrbyfloat hmset hset hsetnx incr"
                  + " incrby incrbyfloat linsert lmove lpush lpushx lset mset msetnx pfadd pfdebug pfmerge"
                  + " psetex restore restore-asking rpoplpush rpush rpushx sadd sdiffstore set setbit setex"
                  + " setnx setrange sinterstore sort sunionstore xadd"
                  + " xgroup|create xgroup|createconsumer xsetid zadd zdiffstore zincrby"
                  + " zinterstore zrangestore zunionstore")
              .split(" "));

  /** Rules that change nothing within a script, where Redis itself forbids to wait. */
  private static final Set<ArgumentRule> UNCHANGED =
      Set.of(ArgumentRule.NONE, ArgumentRule.XREAD_BLOCK);

  /** Of the session otherwise, and harmless. */
  private static final Set<String> HARMLESS = Set.of("ping", "echo");

  /**
   * The policy for all commands that the prelude does not handle itself.
   *
   * @param prelude its code, which compares the command's name as {@code c == 'name'}
   */
  public static ScriptPolicy besides(String prelude) {
    Set<String> handled = new TreeSet<>();
    Matcher names = HANDLED.matcher(prelude);
    while (names.find()) {
      handled.add(names.group(1));
    }
    PolicyFile file = PolicyFile.load();
    StringBuilder allowed = new StringBuilder(" ");
    StringBuilder refused = new StringBuilder(" ");
    StringBuilder needy = new StringBuilder(" ");
    StringBuilder writing = new StringBuilder(" ");
    for (String name : file.names()) {
      PolicyFile.Policy policy = file.of(name, Set.of());
      boolean replicated = policy.raft() == RaftPolicy.LOG || policy.raft() == RaftPolicy.READ;
      if (NEEDY.contains(name)) {
        needy.append(name).append(' ');
      } else if (policy.raft() == RaftPolicy.LOG) {
        writing.append(name).append(' ');
      }
      boolean asItIs =
          replicated && UNCHANGED.contains(policy.rule()) && !OF_THE_NODE.contains(name);
      if (handled.contains(name)) {
        continue;
      }
      if (asItIs || HARMLESS.contains(name)) {
        allowed.append(name).append(' ');
      } else if (name.indexOf('|') < 0) {
        refused.append(name).append(' ');
      }
    }
    return new ScriptPolicy(
        allowed.toString(), refused.toString(), needy.toString(), writing.toString());
  }
}
