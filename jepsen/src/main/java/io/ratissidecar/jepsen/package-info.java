/**
 * Workloads with recorded histories, and checkers that judge them. Knows the protocol that clients
 * speak and nothing of the sidecar's code, so that it can't share its mistakes.
 *
 * <p>Threads: a {@link io.ratissidecar.jepsen.Workload} owns one thread for each client; {@link
 * io.ratissidecar.jepsen.History} takes operations from all of them. Checkers are pure functions.
 */
package io.ratissidecar.jepsen;
