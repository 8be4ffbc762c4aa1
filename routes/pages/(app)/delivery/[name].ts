/** Pauses, resumes or tests one destination, and leads back to the page that shows it. */
import { HttpError } from "@/model/errors.ts";
import { field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

/** A test that takes longer goes on while the page says so. */
const TEST_WAIT_MS = 5_000;

export const handler = define.handlers({
  async POST({ req, params, state }) {
    const form = await readForm(req);
    const name = params.name ?? "";
    await requireDestination(state, name);
    const act = field(form, "action");
    if (act === "test") return await test(state, name);
    if (act === "pause" || act === "resume") return await pause(state, { name, act });
    throw new HttpError(400, `There is no act "${act.slice(0, 40)}"`, {
      code: "HTTP-0400",
      hint: "use the buttons of the page",
    });
  },
});

async function requireDestination({ services }: PageState, name: string): Promise<void> {
  const known = await services.operations.destinationList();
  if (known.some((each) => each.name === name)) return;
  throw new HttpError(404, `There is no destination "${name.slice(0, 80)}"`, {
    code: "HTTP-0404",
    hint: "it was renamed or forgotten meanwhile",
  });
}

async function pause(
  { services, identity, remoteAddress: address }: PageState,
  { name, act }: { name: string; act: "pause" | "resume" },
): Promise<Response> {
  await services.operations.destinationPause(name, act === "pause");
  const by = { name: identity!.name, address };
  await services.auth.audit.note({ by, action: `destination_${act}`, subject: name });
  const done = act === "pause" ? "paused" : "resumed";
  return seeOther(`/delivery?done=${done}&name=${encodeURIComponent(name)}`);
}

async function test({ services, identity }: PageState, name: string): Promise<Response> {
  const { work, operations } = services;
  const about = { kind: "test", subject: name, by: identity!.name, total: 1 } as const;
  const { id } = work.start(about, async (step) => {
    const { ok, message, hint } = await operations.destinationTest(name);
    step.add(1);
    step.end({ ok, message, hint });
  });
  await work.settled(id, TEST_WAIT_MS);
  return seeOther(`/delivery?test=${id}`);
}
