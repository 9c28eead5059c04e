/**
 * Every setting of the sidecar: its name, default, meaning and range. Immutable after start; any
 * thread.
 */
package io.ratissidecar.sidecar.config;
