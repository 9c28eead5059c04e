package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** A command with everything about it that can be made beforehand. */
final class Row {
  final CommandSpec spec;

  /** What it becomes when its arguments decide nothing. */
  final Plan plan;

  final LocalPlan localPlan;
  final Collection<CommandSpec> subcommandSpecs;

  private final NameIndex<Row> subcommands; // null if it has none
  private final boolean complete;

  /**
   * @param subcommands by their own name, without the container's
   * @param complete whether these are all, so that another one is unknown
   */
  Row(CommandSpec spec, Map<String, Row> subcommands, boolean complete) {
    this.spec = spec;
    this.plan =
        switch (spec.raft()) {
          case LOG -> Plan.VERBATIM;
          case READ -> Plan.READ;
          case SCRIPT -> new Plan.Script(spec);
          case SESSION -> new Plan.Session(spec);
          case REFUSE -> new Plan.Refused(ErrorTexts.refused(spec));
        };
    this.localPlan =
        switch (spec.local()) {
          case PASS -> LocalPlan.PASS;
          case SESSION -> new LocalPlan.Session(spec);
          case REFUSE -> new LocalPlan.Refused(ErrorTexts.refused(spec));
        };
    this.subcommands = subcommands.isEmpty() ? null : new NameIndex<>(subcommands);
    this.subcommandSpecs = List.copyOf(subcommands.values().stream().map(row -> row.spec).toList());
    this.complete = complete;
  }

  /** This row, or the subcommand's that the argument behind the name says; null if unknown. */
  Row resolve(Request r, int name) {
    if (subcommands == null || name + 1 >= r.argCount()) {
      return this;
    }
    Row sub = subcommands.find(r.buffer(), r.argStart(name + 1), r.argLength(name + 1));
    return sub != null || complete ? sub : this;
  }

  /** In explicit mode local Redis itself says that it does not know a subcommand. */
  LocalPlan unknownSubcommand(Request r) {
    return localPlan == LocalPlan.PASS
        ? localPlan
        : new LocalPlan.Refused(ErrorTexts.unknownSubcommand(r, 0));
  }
}
