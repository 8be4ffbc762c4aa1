/**
 * Whether there is room for new data: free space, the queue's limit, and what SQLite itself said.
 * The decision is a pure function of one look at the disk and the queue.
 */
import { StoreFullError } from "@/model/errors.ts";

/** A `StoreFullError` as plain data: it crosses threads. */
export interface Fullness {
  code: string;
  message: string;
  hint: string;
  retryAfterSeconds: number;
}

export interface RoomLimits {
  queueBytesMax: number;
  freeBytesMin: number;
}

export interface RoomReading {
  /** Free for us, bytes: of the file system and inside the database file; null when not known. */
  freeBytes: number | null;
  queuedBytes: number;
  /** The one that holds most of the queue; null without any. */
  holder: { name: string; removed: boolean; paused: boolean } | null;
  /** Why the last write failed, in SQLite's words; null after one that worked. */
  writeError: string | null;
}

/** Once full, room begins below this share of the limit, so that it does not flicker. */
const ROOM_SHARE = 0.97;

/** Why there is no room; null when there is. `wasFull` widens the limits a little. */
export function fullness(
  reading: RoomReading,
  limits: RoomLimits,
  wasFull: boolean,
): Fullness | null {
  if (reading.writeError !== null) return cannotWrite(reading.writeError);
  const { freeBytes } = reading;
  const floor = wasFull ? limits.freeBytesMin / ROOM_SHARE : limits.freeBytesMin;
  if (freeBytes !== null && freeBytes < floor) return diskLow(freeBytes, limits.freeBytesMin);
  const ceiling = wasFull ? limits.queueBytesMax * ROOM_SHARE : limits.queueBytesMax;
  return reading.queuedBytes >= ceiling ? queueFull(reading, limits.queueBytesMax) : null;
}

export function toError(full: Fullness): StoreFullError {
  return new StoreFullError(full.message, full);
}

function cannotWrite(cause: string): Fullness {
  return {
    code: "STO-0201",
    message: `Cannot write to the database: ${cause}`,
    hint: "Free space or check the storage device, writing is tried again every second",
    retryAfterSeconds: 10,
  };
}

function diskLow(freeBytes: number, floor: number): Fullness {
  return {
    code: "STO-0202",
    message: `Cannot take new data: ${bytesText(freeBytes)} are free, the floor is ${
      bytesText(floor)
    }`,
    hint: "Free space on the disk of the data folder, or lower storage.free_bytes_min",
    retryAfterSeconds: 10,
  };
}

function queueFull({ queuedBytes, holder }: RoomReading, limit: number): Fullness {
  return {
    code: "STO-0203",
    message: `Cannot take new data: ${bytesText(queuedBytes)} wait to be forwarded, the limit is ${
      bytesText(limit)
    }`,
    hint: holderHint(holder),
    retryAfterSeconds: 5,
  };
}

function holderHint(holder: RoomReading["holder"]): string {
  if (holder === null) return "Raise storage.queue_bytes_max";
  const name = `"${holder.name}"`;
  if (holder.removed) {
    return `Destination ${name} is no longer configured: restore it, or run "destination forget"`;
  }
  if (holder.paused) return `Destination ${name} is paused: resume it`;
  return `See why destination ${name} does not take its messages, or raise storage.queue_bytes_max`;
}

function bytesText(bytes: number): string {
  const megabytes = bytes / 1_048_576;
  return megabytes >= 1024
    ? `${(megabytes / 1024).toFixed(1)} GiB`
    : `${megabytes.toFixed(megabytes < 10 ? 1 : 0)} MiB`;
}
