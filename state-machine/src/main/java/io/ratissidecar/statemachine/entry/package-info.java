/**
 * The replicated entry and its header. Immutable values, for any thread; the only place that knows
 * protobuf.
 */
package io.ratissidecar.statemachine.entry;
