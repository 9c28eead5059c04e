/** Clients that wait for data, on the leader. Confined to the front loop. */
package io.ratissidecar.sidecar.blocking;
