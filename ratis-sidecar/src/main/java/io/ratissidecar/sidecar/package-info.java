/** The process: {@link io.ratissidecar.sidecar.Sidecar} wires the parts, starts and stops them. */
package io.ratissidecar.sidecar;
