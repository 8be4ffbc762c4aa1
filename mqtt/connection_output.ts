/**
 * Outgoing bytes of one connection. Everything that becomes due in one turn of the event loop is
 * collected and goes out in one write per connection. Buffers come from a pool: an idle connection
 * holds none.
 */

import type { BrokerStatistics, Channel } from "@/mqtt/broker_types.ts";
import { WireWriter } from "@/mqtt/codec/wire_writer.ts";

const POOL_WRITERS_MAX = 64;
/** A writer that grew beyond this is not pooled. */
const POOL_BYTES_MAX = 64 << 10;
/** A write of more than this is sent as it is instead of copied to an exact size. */
const COPY_BYTES_MAX = 16 << 10;

/** Connections with something to send; flushed once, at the end of the turn. */
export class FlushList {
  #dirty: ConnectionOutput[] = [];
  #scheduled = false;
  /** Bytes that all clients together have not taken, as last seen per connection. */
  bufferedBytes = 0;
  readonly #pool: WireWriter[] = [];

  mark(output: ConnectionOutput): void {
    this.#dirty.push(output);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flushAll());
  }

  borrow(): WireWriter {
    return this.#pool.pop() ?? new WireWriter(1024);
  }

  giveBack(writer: WireWriter): void {
    if (writer.bytes.length > POOL_BYTES_MAX || this.#pool.length >= POOL_WRITERS_MAX) return;
    writer.position = 0;
    this.#pool.push(writer);
  }

  #flushAll(): void {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const output of dirty) output.flush();
  }
}

export class ConnectionOutput {
  readonly #channel: Channel;
  readonly #flushes: FlushList;
  readonly #statistics: BrokerStatistics;
  #writer: WireWriter | null = null;
  #closed = false;
  /** What this connection has added to the sum of all. */
  #accountedBytes = 0;

  constructor(channel: Channel, flushes: FlushList, statistics: BrokerStatistics) {
    this.#channel = channel;
    this.#flushes = flushes;
    this.#statistics = statistics;
  }

  /** Where to append packets; they go out at the end of the turn. */
  writer(): WireWriter {
    if (this.#writer === null) {
      this.#writer = this.#flushes.borrow();
      if (!this.#closed) this.#flushes.mark(this);
    }
    return this.#writer;
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP with reason code 0: four bytes in every version. */
  acknowledge(firstByte: number, packetId: number): void {
    const writer = this.writer();
    writer.ensure(4);
    const { bytes } = writer;
    let at = writer.position;
    bytes[at++] = firstByte;
    bytes[at++] = 2;
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId;
    writer.position = at;
  }

  /** Bytes that the client has not taken yet. */
  get bufferedBytes(): number {
    return this.#channel.bufferedBytes() + (this.#writer === null ? 0 : this.#writer.position);
  }

  flush(): void {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    if (this.#closed || writer.position === 0) return this.#flushes.giveBack(writer);
    this.#statistics.sentBytesTotal += writer.position;
    if (writer.position > COPY_BYTES_MAX) {
      this.#channel.send(writer.bytes.subarray(0, writer.position));
    } else {
      this.#channel.send(writer.take());
      this.#flushes.giveBack(writer);
    }
    this.account();
  }

  /** Brings this connection's part of the sum of all up to date. */
  account(): void {
    const bytes = this.#closed ? 0 : this.#channel.bufferedBytes();
    this.#flushes.bufferedBytes += bytes - this.#accountedBytes;
    this.#accountedBytes = bytes;
  }

  /** Sends what is collected, then ends the channel. */
  close(): void {
    this.flush();
    this.#closed = true;
    this.account();
    this.#channel.close();
  }

  /** Drops what is collected and ends the channel at once. */
  destroy(): void {
    this.#closed = true;
    this.flush();
    this.account();
    this.#channel.destroy();
  }
}
