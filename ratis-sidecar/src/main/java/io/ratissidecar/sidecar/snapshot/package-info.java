/** How a snapshot gets from one node to another. */
package io.ratissidecar.sidecar.snapshot;
