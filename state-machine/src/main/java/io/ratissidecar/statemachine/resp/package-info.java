/**
 * RESP: decoding client requests, finding the ends of reply frames, encoding replies.
 *
 * <p>Works on {@link io.netty.buffer.ByteBuf} and knows no socket. Decoders and scanners belong to
 * one connection and are confined to its thread; the encoders of {@link
 * io.ratissidecar.statemachine.resp.Resp} are stateless. Of Netty only {@code io.netty.buffer} may
 * be imported.
 */
package io.ratissidecar.statemachine.resp;
