import { asset } from "fresh/runtime";
import { define } from "@/routes/page_state.ts";

export default define.page(({ Component, state }) => (
  <html lang={state.texts.language} data-theme={state.theme === "auto" ? undefined : state.theme}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width,initial-scale=1" />
      <meta name="color-scheme" content={state.theme === "auto" ? "light dark" : state.theme} />
      <title>{state.texts.product}</title>
      <link rel="icon" href={asset("/ui/icon.svg")} type="image/svg+xml" />
      <link rel="manifest" href={asset("/ui/sluice.webmanifest")} />
      <link rel="stylesheet" href={asset("/ui/app.css")} />
    </head>
    <body>
      <Component />
    </body>
  </html>
));
