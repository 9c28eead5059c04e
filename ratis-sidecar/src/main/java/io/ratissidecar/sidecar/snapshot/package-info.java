/** The node's snapshots: when they are taken, how, and what is cut behind them. */
package io.ratissidecar.sidecar.snapshot;
