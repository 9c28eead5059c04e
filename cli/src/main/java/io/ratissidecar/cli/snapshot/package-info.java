/** {@code snapshot}: lists, takes, checks and exports snapshots. */
package io.ratissidecar.cli.snapshot;
