import { testAuthStore } from "@/auth/auth_store_contract.ts";
import { MemoryAuthStore } from "@/auth/memory_auth_store.ts";

testAuthStore("memory", ({ auditMax }) => {
  const store = new MemoryAuthStore({ auditMax });
  return Promise.resolve({
    store,
    reopen: () => Promise.resolve(store),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
