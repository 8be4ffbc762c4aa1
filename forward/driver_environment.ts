/**
 * Gives the drivers of this thread an empty environment. Imported before any of them.
 *
 * They look for settings there (`PGHOST`, `PGAPPNAME`, `READABLE_STREAM`, `DEBUG`, …), of which a
 * destination must take none: only our configuration says where data goes. Reading each name would
 * also need a permission of its own, and `debug` would need the permission to read all.
 */
import process from "node:process";

Object.defineProperty(process, "env", { value: {}, configurable: true, writable: true });
