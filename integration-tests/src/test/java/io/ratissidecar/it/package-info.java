/**
 * Suites of real processes: sidecars, each with its own Redis. Linux only, since they use signals.
 */
package io.ratissidecar.it;
