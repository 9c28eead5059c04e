/** Finds out whether all nodes have the same data. */
package io.ratissidecar.sidecar.digest;
