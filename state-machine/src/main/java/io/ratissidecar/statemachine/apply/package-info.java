/**
 * Turns committed entries into commands for the local Redis, between markers that make their effect
 * exactly-once. Knows neither Ratis nor sockets; everything here is confined to the thread that
 * owns the {@link io.ratissidecar.statemachine.apply.RedisPort}.
 */
package io.ratissidecar.statemachine.apply;
