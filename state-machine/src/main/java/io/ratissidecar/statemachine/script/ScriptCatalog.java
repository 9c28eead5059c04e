package io.ratissidecar.statemachine.script;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** The scripts that the log has, as far as a leader knows. Confined to one thread. */
public final class ScriptCatalog {
  /** How Redis 7 names a script in an error, and how 6.2 does. */
  private static final Pattern NAMED = Pattern.compile("(script: |\\bf_)([0-9a-f]{40})");

  /** How many hashes are kept at most for the sake of errors that are still to come. */
  private static final int MOST_FORMER = 10_000;

  private final Map<String, String> wrappedBySha = new HashMap<>();
  private final Map<String, String> shaByWrapped = new HashMap<>();

  /** Knows this one too. */
  public void add(Script script) {
    wrappedBySha.put(script.sha(), script.wrappedSha());
    shaByWrapped.put(script.wrappedSha(), script.sha());
  }

  /** Knows these and no others. */
  public void replace(Collection<Script> scripts) {
    wrappedBySha.clear();
    scripts.forEach(this::add);
  }

  /** Knows none. The hashes of those that it knew are still translated. */
  public void clear() {
    wrappedBySha.clear();
    if (shaByWrapped.size() > MOST_FORMER) {
      shaByWrapped.clear();
    }
  }

  /** How Redis calls the script that clients call so; null if it is not known. */
  public String find(String sha) {
    return wrappedBySha.get(sha);
  }

  /** Errors as clients have to see them: where they name a script, by the hash that they know. */
  public String shown(String text) {
    return NAMED
        .matcher(text)
        .replaceAll(
            named -> {
              String wrapped = named.group(2);
              return named.group(1) + shaByWrapped.getOrDefault(wrapped, wrapped);
            });
  }
}
