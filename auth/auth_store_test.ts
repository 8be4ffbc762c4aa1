import { type AuthStore, authStoreOf } from "@/auth/auth_store.ts";
import { testAuditBound, testAuthStore } from "@/auth/auth_store_contract.ts";
import { AccessFile } from "@/auth/auth_test_bed.ts";
import { openStore } from "@/store/store.ts";
import { storeOptions, TempDir } from "@/store/fixture.ts";
import type { Store } from "@/store/store_types.ts";

/** The store of the product: writer in its thread, queries in theirs. */
class RunningStore implements AsyncDisposable {
  readonly #dir = new TempDir();
  #open: Store | null = null;
  #store: AuthStore | null = null;

  static async create(): Promise<RunningStore> {
    const running = new RunningStore();
    await running.reopen();
    return running;
  }

  get store(): AuthStore {
    if (this.#store === null) throw new Error("Not open");
    return this.#store;
  }

  async reopen(): Promise<AuthStore> {
    await this.#open?.[Symbol.asyncDispose]();
    this.#open = await openStore(storeOptions(this.#dir.path));
    this.#store = authStoreOf(this.#open);
    return this.#store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.[Symbol.asyncDispose]();
    this.#dir[Symbol.dispose]();
  }
}

async function openFile(options: { auditMax?: number } = {}) {
  const dir = new TempDir();
  const file = await AccessFile.open(`${dir.path}/access.db`, options);
  return {
    store: file.store,
    reopen: async () => {
      file.reopen();
      return file.store;
    },
    [Symbol.asyncDispose]: async () => {
      file.close();
      dir[Symbol.dispose]();
    },
  };
}

testAuthStore("store in its thread", () => RunningStore.create());
testAuthStore("tables in a file", () => openFile());
testAuditBound("tables in a file", () => openFile({ auditMax: 7 }));
