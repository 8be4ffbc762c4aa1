import { defineConfig } from "fresh";

/** Pages lie beside the HTTP API, which is no file route. */
export default defineConfig({ directories: { routes: "routes/pages" } });
