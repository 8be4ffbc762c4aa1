import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { testSessionStore } from "@/mqtt/session_store_contract.ts";

testSessionStore("in memory", () => {
  const store = new MemorySessionStore();
  return Promise.resolve({
    store,
    reopen: () => Promise.resolve(store),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
